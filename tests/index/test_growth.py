"""A shard that takes in builds, whatever their order: nothing is lost, and what is offered stands in the shard itself."""

from __future__ import annotations

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from farm.index.growth import KEPT, PAGE, grown
from farm.index.model import Shard
from farm.index.render import newest
from tests.index.test_render import entry

EMPTY = Shard(channel="dev", distro="debian13", series="3.13")
CELLS = ("3.13.5-debian13-amd64", "3.13.5-debian13-arm64", "3.13.10-debian13-amd64")


class Pages:
    """Where pages lie, and how many were read."""

    def __init__(self):
        self.objects = {}
        self.reads = 0

    def load(self, ref):
        self.reads += 1
        return Shard.model_validate_json(self.objects[ref.key]).entries

    def add(self, shard, made):
        after, pages = grown(shard, made, self.load)
        self.objects |= pages
        return after

    def everything(self, shard):
        found = [*shard.entries, *(each for ref in shard.older for each in self.load(ref))]
        assert len(found) == len({(each.cell, each.build_id) for each in found})
        return {(each.cell, each.build_id): each.yanked for each in found}


@given(st.lists(st.tuples(st.sampled_from(CELLS), st.integers(1, 30), st.booleans()), max_size=60))
def test_nothing_is_lost_and_what_is_offered_stands_in_the_shard(said):
    shard, pages, expected = EMPTY, Pages(), {}
    with mock.patch("farm.index.growth.PAGE", 3), mock.patch("farm.index.growth.LEAST", 2):
        for cell, number, yanked in said:
            made = entry(cell, f"20261122{number:02}").model_copy(update={"yanked": "bad" if yanked else ""})
            expected[made.cell, made.build_id] = made.yanked
            shard = pages.add(shard, made)
            assert pages.add(shard, made) == shard
    assert pages.everything(shard) == expected
    everything = [entry(cell, build_id).model_copy(update={"yanked": reason}) for (cell, build_id), reason in expected.items()]
    assert newest(shard.entries) == newest(everything)
    for ref in shard.older:
        builds = [each.build_id for each in pages.load(ref)]
        assert (builds[0], builds[-1]) == (ref.first, ref.last)
        assert builds == sorted(builds)
        assert 2 <= len(builds) <= 3
    assert Shard.model_validate_json(shard.model_dump_json()) == shard


def test_a_shard_stays_small_and_a_rebuild_reads_one_page():
    shard, pages = EMPTY, Pages()
    for number in range(300):
        shard = pages.add(shard, entry(CELLS[0], f"2026{number:06}"))
    assert len(shard.entries) == KEPT
    assert len(shard.older) == -(-(300 - KEPT) // PAGE)
    pages.reads = 0
    pages.add(shard, entry(CELLS[0], "2027000000"))
    assert pages.reads == 1


def test_when_all_that_the_shard_has_is_yanked_an_older_build_is_offered():
    shard, pages = EMPTY, Pages()
    ids = [f"2026{number:06}" for number in range(200)]
    for build_id in ids:
        shard = pages.add(shard, entry(CELLS[0], build_id))
    for build_id in reversed(ids[1:]):
        shard = pages.add(shard, entry(CELLS[0], build_id).model_copy(update={"yanked": "bad"}))
    assert [each.build_id for each in newest(shard.entries)] == ids[:1]
    assert len(pages.everything(shard)) == 200
