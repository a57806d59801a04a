"""`farm submit` and `farm watch` as processes: their output, exit codes and ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from farm.store import catalog, keys, locks
from farm.store.folder import FolderStore
from tests.dispatch.conftest import alive, eventually
from tests.dispatch.making import ARCH

CELL = f"3.13.5-debian13-{ARCH}"
MATRIX = f"pythons: ['3.13.5']\ndistros: [debian13]\narches: [{ARCH}]\noptimize: none\nchannel: dev\n"


class Command:
    """A folder to run `farm` in."""

    def __init__(self, folder):
        self.folder = folder
        self.script = folder / "script"
        self.script.mkdir()
        (folder / "matrix.yaml").write_text(MATRIX)
        self.store = FolderStore(folder / "store")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
        self.environment = kept | {
            "FARM_STATE": str(folder / "state"),
            "FARM_LEASE_S": "1",
            "FAKE_PIPELINE": str(self.script),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }

    def start(self, *words):
        return subprocess.Popen(
            [sys.executable, "-m", "tests.dispatch.farm_child", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words):
        child = self.start(*words)
        out, err = child.communicate(timeout=90)
        return child.returncode, out, err

    def building(self):
        """The pids of the farm's processes, once an attempt is being made."""
        started = self.script / "started"
        return eventually(lambda: started.exists() and f"{CELL} 1" in started.read_text())


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path)


def family(pid):
    """A process and all that descend from it."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def test_submit_from_a_pipe(command):
    code, out, err = command.run("submit", "--junit", "junit.xml")
    assert code == 0, err
    assert "1 cell: 1 to build" in out
    assert f"{CELL}  published" in out
    assert "python.tar.gz" in out
    assert "ADD python.tar.gz /opt/" in out
    assert "\x1b" not in out
    (suite,) = ET.parse(command.folder / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    code, out, err = command.run("submit", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert [cell["result"] for cell in told["cells"]] == ["already published"]
    assert told["seconds"] < 2


def test_a_failed_cell_is_told_with_its_log_and_what_to_do(command):
    (command.script / f"{CELL}.script").write_text("build-failed")
    code, out, _ = command.run("submit", "--junit", "junit.xml")
    assert code == 3
    assert "error: this one is build-failed" in out
    assert "hint: change the script" in out
    log = next(line for line in out.splitlines() if "the whole log:" in line).partition(": ")[2]
    assert "compiling" in Path(log).read_text()
    failure = ET.parse(command.folder / "junit.xml").getroot().find(".//failure")
    assert failure.get("type") == "build-failed"
    code, out, _ = command.run("watch")
    assert code == 3
    assert "build-failed" in out


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything_and_the_next_submit_goes_on(command, how):
    hold = command.script / f"{CELL}.hold"
    hold.touch()
    child = command.start("submit")
    command.building()
    processes = family(child.pid)
    assert len(processes) >= 4  # submit, broker, worker, slot
    child.send_signal(how)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted" in err
    assert [pid for pid in processes if alive(pid)] == []
    assert list(command.store.list("staging/")) == []
    hold.unlink()
    code, _, err = command.run("submit")
    assert code == 0, err


def test_kill_9_takes_the_children_along(command):
    (command.script / f"{CELL}.hold").touch()
    child = command.start("submit")
    command.building()
    processes = family(child.pid)
    child.kill()
    child.communicate()
    eventually(lambda: not [pid for pid in processes if alive(pid)], timeout=10)
    code, out, err = command.run("watch")
    assert code == 3
    assert "waiting" in out or "building" in out
    assert "nobody drives the run" in err
    assert "did not end in order: what it left behind is removed" in err
    code, _, err = command.run("ls")
    assert (code, err) == (0, "")


def test_what_was_planned_with_old_packages_is_planned_again_once_the_distro_is_resolved(command):
    assert command.run("submit")[0] == 0
    (lock,) = command.store.list(keys.locks("debian13", ARCH))
    newer = command.store.get(lock.key)[0].replace(b'"1.0"', b'"0.9"')
    before = keys.lock("debian13", ARCH, "20200101")
    command.store.put(before, newer)
    command.store.delete(lock.key)
    (build,) = command.store.list(keys.catalog())
    of_then = catalog.published(command.store)[0]
    inputs = locks.newest_inputs(command.store, "debian13", ARCH).digest
    command.store.put(
        keys.published(of_then.cell, of_then.build_id, of_then.recipe, inputs, "dev").key, command.store.get(build.key)[0]
    )
    command.store.delete(build.key)
    code, out, err = command.run("submit")
    assert code == 0, err
    first, again = out.split("now that the distros are resolved:")
    assert "1 cell: 1 published" in first
    assert f"debian13-{ARCH}: what it gives today is not known yet; 1 published cell may turn out stale" in first
    assert "1 cell: 1 stale" in again
    assert "order: debian13-" in again
    assert f"{CELL}  published" in again


def test_two_submits_do_not_share_a_state_folder(command):
    hold = command.script / f"{CELL}.hold"
    hold.touch()
    first = command.start("submit")
    command.building()
    code, _, err = command.run("submit")
    assert code == 2
    assert "another `farm submit`" in err
    assert "FARM_STATE" in err
    watching = command.start("watch")
    eventually(lambda: watching.stdout.readline().startswith("["))
    hold.unlink()
    assert first.wait(60) == 0
    out, _ = watching.communicate(timeout=60)
    assert watching.returncode == 0, out
    first.communicate()


def test_a_verification_failure_keeps_what_was_built(command):
    (command.script / f"{CELL}.script").write_text("verification-failed")
    code, out, _ = command.run("submit")
    assert code == 3
    kept = next(line for line in out.splitlines() if "what was built:" in line).partition(": ")[2]
    assert (Path(kept) / "result.json").exists()
    assert [stat.key for stat in command.store.list(keys.catalog())] == []


def test_wrong_input_starts_nothing(command):
    code, _, err = command.run("submit", "--only", "3.99.0-debian13-amd64")
    assert code == 2
    assert "no such cell" in err
    assert not (command.folder / "state").exists()
