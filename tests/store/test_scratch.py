"""Temporary files of dead processes are removed, those of living ones are not."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from farm.store import scratch

CHILD = """
import os, sys, tempfile, time
from farm.store import scratch
folder = scratch.take()
open(tempfile.mkstemp()[1], "w").close()
if sys.argv[1] == "fork" and os.fork() == 0:
    time.sleep(600)
print(folder, flush=True)
time.sleep(600)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def child(place):
    started = []

    def start(how="alone"):
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, how],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(place)},
            start_new_session=True,
        )
        started.append(process)
        return process, Path(process.stdout.readline().strip())

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_what_a_killed_process_left_is_removed_by_the_next_one(place, child):
    process, folder = child()
    assert len(list(folder.iterdir())) == 1
    process.kill()
    process.wait()
    with scratch.taken() as mine:
        assert list(place.iterdir()) == [mine]
    assert list(place.iterdir()) == []


def test_a_living_process_keeps_its_files(place, child):
    _, folder = child()
    scratch.sweep()
    assert len(list(folder.iterdir())) == 1


def test_a_child_that_outlives_its_parent_keeps_the_folder(place, child):
    process, folder = child("fork")
    process.kill()
    process.wait()
    scratch.sweep()
    assert folder.exists()
    os.killpg(process.pid, signal.SIGKILL)


def test_a_folder_within_a_folder_is_that_of_a_slot(place):
    with scratch.taken() as outer, scratch.taken() as inner:
        assert inner.parent == outer
        assert tempfile.mkdtemp().startswith(str(inner))
    assert tempfile.gettempdir() == str(place)
