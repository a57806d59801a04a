"""What a killed run leaves is found by its note, and removed by the next command; a live run's is not."""

import subprocess
import sys

import pytest

from farm.dispatch import leftover
from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.settings import Settings
from farm.store import run_keys
from farm.store.folder import FolderStore

CELL = Cell.parse("3.13.5-debian13-amd64")
SWEPT = (sys.executable, "-c", "")
REFUSED = (sys.executable, "-c", "raise SystemExit(4)")
HOLD = "import sys; from farm.dispatch import leftover; from farm.settings import Settings\n"
HOLD += "with leftover.noted(Settings(store=sys.argv[1], state=sys.argv[2]), 'run-1'): print('noted', flush=True); input()"


@pytest.fixture
def settings(tmp_path):
    return Settings(store=str(tmp_path / "store"), state=tmp_path / "state")


@pytest.fixture
def store(tmp_path):
    made = FolderStore(tmp_path / "store")
    made.put(run_keys.staging("run-1", CELL, 1, "tree.tar.gz"), b"half")
    return made


@pytest.fixture
def driven(settings):
    """A process that drives run-1."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, settings.store, str(settings.state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=settings.child_environment(),
    )
    assert child.stdout.readline() == b"noted\n"
    yield child
    child.kill()
    child.communicate()


def staged(store):
    return [stat.key for stat in store.list("staging/")]


def test_a_run_that_ended_in_order_leaves_no_note(settings, store):
    with leftover.noted(settings, "run-1"):
        assert [file.name for file in (settings.state / "running").iterdir()] == ["run-1"]
    assert list((settings.state / "running").iterdir()) == []
    assert leftover.clear(settings, store, REFUSED) == ()
    assert staged(store)


def test_a_run_that_failed_and_could_not_be_cleared_is_cleared_by_the_next_command(settings, store):
    with leftover.noted(settings, "run-1") as note:
        note.stays = True
    assert leftover.clear(settings, store, SWEPT) == ("run-1",)
    assert staged(store) == []


def test_a_live_run_is_left_alone(settings, store, driven):
    assert leftover.clear(settings, store, SWEPT) == ()
    assert staged(store)
    assert (settings.state / "running" / "run-1").exists()


def test_a_killed_run_is_cleared_once(settings, store, driven):
    driven.kill()
    driven.wait()
    assert leftover.clear(settings, store, SWEPT) == ("run-1",)
    assert staged(store) == []
    assert leftover.clear(settings, store, REFUSED) == ()


def test_what_a_publisher_goes_on_with_is_left_alone(settings, store):
    service = settings.model_copy(update={"publisher": "service"})
    with leftover.noted(service, "run-1") as note:
        note.stays = True
    assert leftover.clear(service, store, SWEPT) == ("run-1",)
    assert staged(store)


def test_a_note_stays_until_an_engine_could_be_asked(settings, store, driven):
    driven.kill()
    driven.wait()
    assert leftover.clear(settings, store, REFUSED) == ()
    assert leftover.clear(settings, store, SWEPT) == ("run-1",)


def test_what_another_store_has_of_that_name_is_not_touched(settings, store, driven, tmp_path):
    driven.kill()
    driven.wait()
    other = FolderStore(tmp_path / "other")
    other.put(run_keys.staging("run-1", CELL, 1, "tree.tar.gz"), b"half")
    assert leftover.clear(settings.model_copy(update={"store": str(tmp_path / "other")}), other, SWEPT) == ("run-1",)
    assert staged(other)


def test_a_state_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(BadInput, match="state folder"), leftover.noted(Settings(state=tmp_path / "state"), "run-1"):
        pass
