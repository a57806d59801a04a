"""Build ids."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from farm.publish.identity import next_id, settle
from tests.fakes import MemoryStore
from tests.publish.staging import CELL

DAY = date(2026, 11, 22)


@given(st.sets(st.integers(2020010101, 2030123199).map(str)), st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_an_id_is_above_all_that_were_used(used, today):
    found = next_id(used, today)
    assert len(found) == 10
    assert found.isdecimal()
    assert all(found > each for each in used)


def test_the_first_of_a_day():
    assert next_id(set(), DAY) == "2026112201"
    assert next_id({"2026112107"}, DAY) == "2026112201"
    assert next_id({"2026112207"}, DAY) == "2026112208"
    assert next_id({"2026112299"}, DAY) == "2026112300"
    assert next_id({"2027010105"}, DAY) == "2027010106"


def test_the_same_bytes_keep_their_id_and_others_take_over():
    store = MemoryStore()
    assert settle(store, CELL, "r" * 64, "i" * 64, "one", DAY) == "2026112201"
    assert settle(store, CELL, "r" * 64, "i" * 64, "one", DAY) == "2026112201"
    assert settle(store, CELL, "r" * 64, "i" * 64, "two", DAY) == "2026112202"
    assert settle(store, CELL, "r" * 64, "j" * 64, "one", DAY) == "2026112203"
