"""What is compared with the build before, and that every check of the table is one that a test has made fail."""

from __future__ import annotations

import random

import pytest

from farm.plan.cell import Cell
from farm.store import catalog, keys
from tests.fakes import MemoryStore
from tests.verify import sabotage, test_archive_checks, test_beside
from tests.verify.boxes import GOOD, box, look, subject
from tests.verify.crafted import Entry
from workers.verify.table import TABLE

NOISE = random.Random(1).randbytes(200_000)
FAT = GOOD.having("lib/python3.13/fat.py", Entry(NOISE))
ALMOST = FAT.having("lib/python3.13/thin.py", Entry(NOISE[:4000]))


def test_every_check_of_the_table_was_made_to_fail():
    lists = (sabotage.SABOTAGE, test_archive_checks.SABOTAGE, test_beside.SABOTAGE)
    failed = {case[0] for cases in lists for case in cases} | {
        "size.budget",
        "beside.tests",
        "stdlib.suite",
    }  # here, in test_beside and test_suite
    assert failed == {check.id for check in TABLE}


def test_growth_is_a_warning_that_names_the_files(tmp_path):
    packed, unpacked = look("size.budget", subject(tmp_path, box(), FAT, GOOD))
    assert (packed.severity, unpacked.severity) == ("warning", "warning")
    assert packed.message.startswith("packed it has grown by ")
    assert "lib/python3.13/fat.py +200000" in unpacked.hint


@pytest.mark.parametrize(("now", "before"), [(GOOD, GOOD), (GOOD, FAT), (ALMOST, FAT)], ids=["same", "smaller", "little"])
def test_no_growth_is_fine(now, before, tmp_path):
    assert look("size.budget", subject(tmp_path, box(), now, before)) == ()


def test_what_only_the_build_before_had_is_told(tmp_path):
    (finding,) = look("upgrade.place", subject(tmp_path, box(), GOOD, FAT))
    assert (finding.severity, "lib/python3.13/fat.py" in finding.message) == ("note", True)


def published(*names):
    store = MemoryStore()
    for name, build_id in names:
        store.put(keys.published(Cell.parse(name), build_id, "0" * 64, "1" * 64, "stable").key, b"{}")
    return store


def test_the_build_before_is_of_the_same_kind():
    store = published(
        ("3.13.4-debian13-amd64", "2026010101"),
        ("3.13.4-debian13-amd64", "2026010105"),
        ("3.13.5-debian13-amd64", "2026010102"),
        ("3.13.5-debian13-amd64", "2026010103"),
        ("3.13.5-debian12-amd64", "2026010104"),
        ("3.12.9-debian13-amd64", "2026010104"),
    )
    for name, build_id, before in (
        ("3.13.5-debian13-amd64", "2026010103", ("3.13.5-debian13-amd64", "2026010102")),
        ("3.13.5-debian13-amd64", "2026010102", ("3.13.4-debian13-amd64", "2026010105")),
        ("3.12.9-debian13-amd64", "2026010104", None),
    ):
        build = next(found for found in catalog.published(store, Cell.parse(name)) if found.build_id == build_id)
        found = catalog.before(store, build)
        assert (found and (str(found.cell), found.build_id)) == before
