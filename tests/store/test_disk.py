"""Files are on their disk before anybody goes on; those that come together share a call of the kernel."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from farm.store import disk
from farm.store.disk import Disk
from farm.store.folder import FolderStore

FILES = 24


class Kernel:
    """Stands in for fsync and syncfs: counts them, and holds the first one back until all have asked."""

    def __init__(self, keeper, fail=0):
        self.calls = []
        self.kept = set()
        self._keeper = keeper
        self._fail = fail
        self._lock = threading.Lock()

    def fsync(self, handle):
        self._call("fsync", {handle})

    def syncfs(self, handle):
        self._call("syncfs", set(self._keeper.asking))

    def _call(self, name, now):
        with self._lock:
            self.calls.append(name)
            first = len(self.calls) == 1
        if first:
            self._keeper.everybody.wait(10)
        if len(self.calls) <= self._fail:
            raise OSError(5, "Input/output error")
        self.kept |= now


class Keeper:
    """Many threads that each want a file of their own kept."""

    def __init__(self, folder):
        self.asking = []
        self.everybody = threading.Event()
        self.disk = Disk()
        self.files = [(folder / str(number)).open("wb") for number in range(FILES)]

    def all(self, kernel):
        """What became of each: whether it was on disk when its thread went on, or its error."""
        with ThreadPoolExecutor(FILES) as pool:
            return list(pool.map(lambda file: self._one(file.fileno(), kernel), self.files))

    def _one(self, handle, kernel):
        self.asking.append(handle)
        if len(self.asking) == FILES:
            threading.Timer(0.05, self.everybody.set).start()
        try:
            self.disk.keep(handle)
        except OSError as error:
            return str(error)
        return handle in kernel.kept

    def close(self):
        for file in self.files:
            file.close()


@pytest.fixture
def keeper(tmp_path):
    keeper = Keeper(tmp_path)
    yield keeper
    keeper.close()


def standing_in(monkeypatch, kernel):
    monkeypatch.setattr(disk.os, "fsync", kernel.fsync)
    monkeypatch.setattr(disk, "_syncfs", kernel.syncfs)
    return kernel


def test_those_that_come_together_share_a_call(keeper, monkeypatch):
    kernel = standing_in(monkeypatch, Kernel(keeper))
    assert keeper.all(kernel) == [True] * FILES
    assert kernel.calls[0] == "fsync"
    assert len(kernel.calls) < FILES / 2


def test_when_one_call_fails_the_others_are_tried_for_themselves(keeper, monkeypatch):
    kernel = standing_in(monkeypatch, Kernel(keeper, fail=2))
    ends = keeper.all(kernel)
    assert sorted(map(str, ends)) == sorted(["True"] * (FILES - 2) + ["[Errno 5] Input/output error"] * 2)


def test_one_after_the_other_each_is_synced_by_itself(keeper, monkeypatch):
    kernel = standing_in(monkeypatch, Kernel(keeper))
    keeper.everybody.set()
    for file in keeper.files[:3]:
        keeper.disk.keep(file.fileno())
    assert kernel.calls == ["fsync"] * 3


def test_a_forked_process_waits_for_nobody_of_the_other(keeper, monkeypatch):
    kernel = standing_in(monkeypatch, Kernel(keeper))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(keeper.disk.keep, keeper.files[0].fileno())
        while not kernel.calls:
            pass
        monkeypatch.setattr(disk.os, "getpid", lambda: -1)
        monkeypatch.setattr(disk.os, "fsync", lambda _: None)
        keeper.disk.keep(keeper.files[1].fileno())
        assert not waiting.done()
        keeper.everybody.set()
        waiting.result(10)


def test_the_kernels_own_call_writes_and_tells_its_errors(tmp_path):
    with (tmp_path / "file").open("wb") as file:
        file.write(b"x")
        disk._syncfs(file.fileno())
    with pytest.raises(OSError, match="Bad file descriptor"):
        disk._syncfs(-1)


def test_a_store_names_nothing_that_is_not_on_disk(tmp_path, monkeypatch):
    store = FolderStore(tmp_path / "store")
    store.put("channels/first", b"")
    seen = []
    real = os.fsync
    monkeypatch.setattr(disk.os, "fsync", lambda handle: (seen.append((tmp_path / "store/channels/x").exists()), real(handle)))
    store.put("channels/x", b"x")
    assert seen == [False]
