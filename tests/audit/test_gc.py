"""What a store no longer needs goes, in two steps; nothing that anything names, whoever publishes meanwhile."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from farm.audit.collect import find
from farm.audit.remove import remove
from farm.audit.retention import Policy, superseded
from farm.cli import audit as verbs
from farm.errors import Conflict, StoreUnavailable
from farm.index import reading, update
from farm.plan.cell import Cell
from farm.publish import channels
from farm.publish.publisher import publish
from farm.store import catalog, keys, run_keys
from farm.store.folder import FolderStore
from farm.store.keys import Published
from tests.audit import shelf
from tests.audit.shelf import NEW, OLD, gz, seen
from tests.fakes import FailingStore, MemoryStore
from tests.publish.staging import BASE, CELL, inputs, now, order, recipe, stage

DAY = 86400.0
LATER = shelf.NOW_S + 400 * DAY
POLICY = Policy(keep_days=30, keep_builds=1, staged_days=14, grace_s=DAY)


@pytest.fixture
def store():
    return shelf.filled()


def collect(store, now_s=LATER, policy=POLICY):
    found = find(store, policy, shelf.entry, now_s)
    remove(store, found, replace(shelf.means(), clock=lambda: _at(now_s)))
    return found


def _at(now_s):
    return datetime.fromtimestamp(now_s, UTC)


def under(store, prefix):
    return {stat.key for stat in store.list(prefix)}


def test_looking_changes_nothing(store):
    before = dict(store.objects)
    found = find(store, POLICY, shelf.entry, LATER)
    assert [build.build_id for build in found.retire] == [OLD]
    assert gz(OLD) in found.condemn[keys.retired(f"{CELL}.{OLD}")].files
    assert found.drop
    assert store.objects == before


def test_an_old_build_is_unlisted_first_and_removed_after_the_grace_time(store):
    collect(store)
    assert {each.build_id for each in reading.entries(store, "testing", "debian13") if each.cell == str(CELL)} == {NEW}
    assert gz(OLD) in store.objects
    assert seen(store).errors == 0
    collect(store, LATER + DAY / 2)
    assert gz(OLD) in store.objects
    collect(store, LATER + DAY)
    assert OLD not in {key.split("/")[4] for key in under(store, f"artifacts/debian13/{CELL.python}/")}
    assert gz(NEW) in store.objects
    assert under(store, "retired/") == set()
    survey = seen(store)
    assert survey.errors == 0
    assert not survey.findings, survey.findings
    assert not find(store, POLICY, shelf.entry, LATER + 3 * DAY).drop


def test_archives_that_no_index_lists_go_and_stay_with_their_build(store):
    kinds = ("debugsymbols.tar.zst", "debugsymbols.tar.zst.sha256")
    before = {key for key in under(store, "artifacts/") if key.endswith(kinds)}
    assert len(before) == 6
    assert not [a for e in reading.entries(store, "testing", "debian13") for a in e.archives if a.kind == "debugsymbols"]
    for days in range(4):
        collect(store, LATER + days * DAY)
    left = {key for key in under(store, "artifacts/") if key.endswith(kinds)}
    assert left == {key for key in before if f"/{CELL.python}/amd64/{OLD}/" not in key}
    assert len(left) == 4


def test_the_id_of_a_removed_build_is_never_given_again(store):
    for days in (0, 1, 2):
        collect(store, LATER + days * DAY)
    made = recipe(CELL, optimize="pgo")
    of = order(CELL, channel="testing", recipe=made, inputs=inputs("1"), run="20261122-153009-a1b2c3", signer=shelf.SIGNER)
    artifact = publish(store, stage(store, of, mark=b"1"), of, clock=now)  # the very bytes that were removed
    assert artifact.build_id == "2026112203"
    assert seen(store).errors == 0


def test_what_any_channel_lists_stays(store):
    old = next(build for build in catalog.published(store, CELL) if build.build_id == OLD)
    channels.promote(store, [old], "stable", channels.Place(BASE, now, shelf.SIGNER))
    for days in range(3):
        collect(store, LATER + days * DAY)
    assert gz(OLD) in store.objects
    assert [each.build_id for each in reading.entries(store, "stable", "debian13")] == [OLD]
    assert seen(store).errors == 0


def test_a_yanked_newest_build_does_not_make_the_one_before_go(store):
    channels.yank(store, CELL, NEW, "bad", channels.Place(BASE, now, shelf.SIGNER))
    assert [build.build_id for build in find(store, POLICY, shelf.entry, LATER).retire] == []
    assert [b.build_id for b in superseded(catalog.published(store), {(str(CELL), OLD)}, POLICY, LATER)] == [OLD]


def test_files_of_a_publisher_that_died_wait_twice_the_grace_time(store):
    left = f"{keys.artifact_folder(CELL, '2026112209')}/x.tar.gz"
    store.put(left, b"x")
    store.times = {left: LATER - 10}
    collect(store)
    assert not [note for note in under(store, "retired/") if "left-over" in note]
    for hours, there in ((24, True), (47, True), (48, False)):
        collect(store, LATER + hours * 3600)
        assert (left in store.objects) == there


def test_who_goes_on_with_what_was_condemned_gets_another_id(store):
    """A publisher that wrote its files, slept, and is overtaken by two collections."""
    made = recipe(CELL, optimize="pgo")
    of = order(CELL, channel="testing", recipe=made, inputs=inputs("9"), run="20261122-153008-a1b2c3", signer=shelf.SIGNER)
    staged = stage(store, of, mark=b"9")
    store.put(run_keys.open_run(of.run), b"")
    cut = FailingStore(store.objects, at=10_000)
    cut_at = _cut_before_the_catalog(store, cut, staged, of)
    store.objects = cut.objects
    collect(store)
    artifact = publish(store, staged, of, clock=now)
    assert artifact.build_id > cut_at
    for days in (1, 2, 3):
        collect(store, LATER + days * DAY)
    assert seen(store).errors == 0
    assert cut_at not in {key.split("/")[4] for key in under(store, "artifacts/")}


def _cut_before_the_catalog(store, cut, staged, of):
    before = under(store, "artifacts/")
    for at in range(200, 1, -1):
        cut.objects, cut.operations, cut.healed, cut._at = dict(store.objects), 0, False, at
        try:
            publish(cut, staged, of, clock=now)
        except StoreUnavailable:
            fresh = set(cut.objects) - set(store.objects)
            if not [key for key in fresh if key.startswith("catalog/")] and [k for k in fresh if k.startswith("artifacts/")]:
                return next(key for key in fresh - before if key.startswith("artifacts/")).split("/")[4]
    raise AssertionError


def test_shards_of_the_past_and_staged_files_go_and_those_of_open_runs_stay(store):
    store.put("staging/20260101-000000-aaaaaa/x/1/a", b"x")
    store.put("staging/20260101-000000-bbbbbb/x/1/a", b"x")
    store.put(run_keys.open_run("20260101-000000-bbbbbb"), b"")
    collect(store)
    assert under(store, "staging/") == {"staging/20260101-000000-bbbbbb/x/1/a"}
    named = update.shard_keys(store, "testing")
    fresh = {key for key in store.objects if keys.is_shard(key)}
    collect(store, LATER + DAY)
    assert {key for key in store.objects if keys.is_shard(key)} == named < fresh | named


def test_a_part_that_a_publisher_names_at_that_very_moment_is_put_back(store):
    class Meanwhile(MemoryStore):
        """The pointer moves back to an old shard just before that is deleted."""

        def delete(self, key):
            if keys.is_shard(key) and not self.moved:
                self.moved = True
                channels.yank(self, CELL, NEW, "x", channels.Place(BASE, now, shelf.SIGNER))
                channels.give_back(self, CELL, NEW, channels.Place(BASE, now, shelf.SIGNER))
            super().delete(key)

    busy = Meanwhile()
    busy.objects, busy.moved = store.objects, False
    collect(busy, policy=replace(POLICY, keep_days=1000))
    assert busy.moved
    assert seen(busy).errors == 0


def test_cut_off_anywhere_it_leaves_nothing_dangling_and_is_gone_on_with(store):
    operations = FailingStore(store.objects, at=10**6)
    collect(operations)
    for at in random.Random(7).sample(range(1, operations.operations), 12):
        cut = FailingStore(store.objects, at=at)
        with pytest.raises((StoreUnavailable, Conflict)):
            collect(cut)
        cut.healed = True
        bad = {finding.check for finding in seen(cut).findings if finding.severity == "error"}
        assert bad <= {"channel.unlisted", "channel.file", "channel.signature"}, (at, bad)
        cut.delete(keys.collecting())
        for days in (0, 1, 2):
            collect(cut, LATER + days * DAY)
        assert seen(cut).errors == 0, (at, seen(cut).findings)
        assert gz(OLD) not in cut.objects


def test_two_do_not_collect_at_once(store):
    store.put(keys.collecting(), f"{LATER - 60}".encode())
    with pytest.raises(Conflict, match="somebody else"):
        collect(store)
    store.put(keys.collecting(), f"{LATER - 7 * 3600}".encode())
    collect(store)
    assert store.get(keys.collecting()) is None


NAMES = st.lists(
    st.tuples(
        st.sampled_from(["3.13.5-debian13-amd64", "3.14.0-debian13-amd64"]),
        st.integers(0, 2000).map(lambda day: f"2026{day % 12 + 1:02}{day % 28 + 1:02}{day % 9:02}"),
        st.sampled_from(["dev", "stable"]),
    ),
    unique=True,
    max_size=30,
)


@given(NAMES, st.integers(0, 400), st.integers(1, 5), st.data())
def test_what_is_offered_is_never_superseded(names, days, count, data):
    builds = [Published(Cell.parse(cell), build, "r" * 16, "i" * 16, channel) for cell, build, channel in names]
    yanked = {(cell, build) for cell, build, _ in names if data.draw(st.booleans())}
    gone = superseded(builds, yanked, Policy(days, count, 14), shelf.NOW_S)
    for cell, channel in {(str(build.cell), build.channel) for build in builds}:
        lane = sorted(
            (build for build in builds if (str(build.cell), build.channel) == (cell, channel)), key=lambda build: build.build_id
        )
        good = [build for build in lane if (cell, build.build_id) not in yanked]
        assert not good or good[-1] not in gone
        assert not set(lane[-count:]) & set(gone)


def test_the_verb(tmp_path, monkeypatch):
    store = shelf.filled(FolderStore(tmp_path / "store"))
    shelf.SIGNER.save(tmp_path / "key.pem")
    values = {"STORE": store.root, "STATE": tmp_path / "state", "BASE_URL": BASE, "SIGNING_KEY": tmp_path / "key.pem"}
    for name, value in values.items():
        monkeypatch.setenv(f"FARM_{name}", str(value))

    def call(*words):
        done = CliRunner().invoke(verbs.gc, words, catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert call() == "nothing to do\n"
    monkeypatch.setattr(verbs.time, "time", lambda: LATER)
    said = call("--keep-builds", "1")
    assert f"would no longer list {CELL}, build {OLD}, in testing\n" in said
    assert said.endswith("nothing was changed: --apply does it\n")
    assert f"no longer lists {CELL}, build {OLD}, in testing\n" in call("--apply", "--keep-builds", "1")
    assert json.loads(call("--json"))["waiting"]
    assert catalog.published(store, CELL)[0].build_id == NEW
