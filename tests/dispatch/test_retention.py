"""What `farm clean` removes, and what it never does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from farm.cli.main import cli
from farm.dispatch.retention import Limits, find, old
from farm.settings import Settings
from farm.store import run_keys
from farm.store.folder import FolderStore
from farm.store.protocol import Stat
from tests.dispatch.making import cell
from tests.fakes import MemoryStore

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
GB = 1 << 30


def run_of(days):
    return f"{NOW - timedelta(days=days):%Y%m%d-%H%M%S}-abcdef"


def log_of(days, size=1):
    return Stat(run_keys.log(run_of(days), cell(), 1), size, "")


def test_what_is_older_than_its_days_goes():
    stats = [log_of(days) for days in (1, 9, 11, 400)]
    gone = [one.stat for one in old(stats, Limits(10, 1), frozenset(), NOW)]
    assert gone == stats[2:]


def test_of_too_much_the_oldest_go_and_no_more_than_needed():
    stats = [log_of(days, GB) for days in (3, 1, 4, 2)]
    gone = list(old(stats, Limits(10, 2.5), frozenset(), NOW))
    assert [one.stat for one in gone] == [log_of(4, GB), log_of(3, GB)]
    assert "over 2.5 GiB" in gone[0].why


def test_a_run_that_goes_on_loses_nothing():
    assert list(old([log_of(400, 9 * GB)], Limits(1, 1), frozenset({run_of(400)}), NOW)) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3 * GB)), max_size=12), st.integers(1, 20), st.integers(1, 9))
def test_what_is_left_fits(objects, days, gigabytes):
    stats = [log_of(age, size) for age, size in objects]
    gone = {id(one.stat) for one in old(stats, Limits(days, gigabytes), frozenset(), NOW)}
    assert sum(stat.size for stat in stats if id(stat) not in gone) <= gigabytes * GB


def test_only_logs_and_staged_files_are_found():
    store = MemoryStore()
    run = run_of(400)
    kept = [
        run_keys.plan(run),
        run_keys.asked(run),
        run_keys.outcome(run, cell(), 1, "published"),
        run_keys.attempt(run, cell(), 1),
    ]
    kept += ["artifacts/debian13/3.13.5/amd64/2020010101/x.tar.gz", "channels/dev/index.json", "catalog/x/y.json"]
    gone = {"logs": run_keys.log(run, cell(), 1), "staging": run_keys.staging(run, cell(), 1, "install_only.tar.gz")}
    for key in [*kept, *gone.values()]:
        store.put(key, b"x")
    found = find(store, Settings(), NOW)
    assert {what: [one.stat.key for one in some] for what, some in found.items()} == {what: [key] for what, key in gone.items()}


def test_the_verb_says_and_does_it(tmp_path):
    store = FolderStore(tmp_path / "store")
    gone, stays = run_keys.log("20200101-000000-abcdef", cell(), 1), run_keys.plan("20200101-000000-abcdef")
    store.put(gone, b"x" * 3000)
    store.put(stays, b"x")
    environment = {"FARM_STORE": str(tmp_path / "store"), "FARM_STATE": str(tmp_path / "state")}

    def farm(*words):
        return CliRunner().invoke(cli, ["clean", *words], env=environment, catch_exceptions=False).output

    assert f"{gone}: its run is older than 180 days" in farm("--dry-run")
    assert store.get(gone)
    assert json.loads(farm("--json"))["logs"] == {"objects": 1, "mb": 0.0}
    assert store.get(gone) is None
    assert store.get(stays)
    assert "logs: 0 objects, 0.0 MB removed" in farm()
