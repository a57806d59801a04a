"""What listing one more build costs a channel, by how many it has and by how many publishers do so at once.

Every request to the store and every byte is counted. `benchmarks.scale` runs this.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.synthetic import entries, entry, fill, now
from farm.index import reading, update
from farm.plan.cell import Cell
from farm.store.folder import FolderStore

if TYPE_CHECKING:
    from threading import Barrier

RUNS = 5
ARTIFACTS = 10_000  # in the channel into which several publish at once
EACH = 5  # builds that each of them publishes
READY_S = 120  # until which all publishers have begun
_URL = "https://python.example.org"


class Counting(FolderStore):
    """A folder that counts what is asked of it, and the bytes that go in and out."""

    def __init__(self, root: Path) -> None:
        self.requests: Counter[str] = Counter()
        self.bytes_read = self.bytes_written = 0
        super().__init__(root)
        self.put("runs/counting", b"")  # with its first object a folder becomes a store, which nobody does for each build
        self.requests.clear()
        self.bytes_read = self.bytes_written = 0

    def get(self, key: str):  # noqa: ANN201 - as the store's own
        """As the store's own."""
        self.requests["get"] += 1
        found = super().get(key)
        self.bytes_read += len(found[0]) if found else 0
        return found

    def put(self, key: str, data: bytes | Path, **options):  # noqa: ANN003, ANN201 - as the store's own
        """As the store's own."""
        self.requests["put"] += 1
        self.bytes_written += len(data) if isinstance(data, bytes) else data.stat().st_size
        return super().put(key, data, **options)

    def list(self, prefix: str):  # noqa: ANN201 - as the store's own
        """As the store's own."""
        self.requests["list"] += 1
        return super().list(prefix)

    def stat(self, key: str):  # noqa: ANN201 - as the store's own
        """As the store's own."""
        self.requests["stat"] += 1
        return super().stat(key)

    def fetch(self, key: str, *rest):  # noqa: ANN002, ANN201 - as the store's own
        """As the store's own."""
        self.requests["fetch"] += 1
        return super().fetch(key, *rest)

    def delete(self, key: str) -> None:
        """As the store's own."""
        self.requests["delete"] += 1
        super().delete(key)


def rebuilds(folder: Path, artifacts: int, count: int) -> list[Cell]:
    """A store whose channel has so many builds; cells of which archives of rebuilds 200 and up are there."""
    store = FolderStore(folder)
    made = entries(artifacts)
    fill(store, "stable", made)
    cells = [Cell.parse(made[number % len(made)].cell) for number in range(count)]
    for number, cell in enumerate(cells):
        for archive in entry(cell, 200 + number).archives:
            store.put(archive.key, b"an archive, of which an index only says that it is there")
    return cells


def published(artifacts: int) -> dict[str, Any]:
    """The cost of listing one more build in a channel that has so many: median of CPU seconds, mean of all else."""
    with tempfile.TemporaryDirectory(prefix="farm-scale-") as name:
        first, *rest = enumerate(rebuilds(Path(name), artifacts, RUNS + 1))
        one_after_the_other(Path(name), [first])  # files of clients are made once
        told = one_after_the_other(Path(name), rest)
        cells = {each.cell for each in reading.current(FolderStore(Path(name)), "stable", rest[0][1].distro)}
    return {
        "cpu_s": round(statistics.median(told["cpu_s"]), 4),
        "read_kib": round(told["read"] / len(rest) / 1024, 1),
        "written_kib": round(told["written"] / len(rest) / 1024, 1),
        "requests": round(told["requests"] / len(rest), 1),
        "cells_of_distro": len(cells),
    }


def publishers(count: int) -> dict[str, Any]:
    """The same with so many publishers at once, each a process that publishes builds of other cells.

    Wall seconds are those from when all are ready until the last is done, by the number of builds.
    """
    with tempfile.TemporaryDirectory(prefix="farm-scale-") as name:
        folder = Path(name)
        todo = list(enumerate(rebuilds(folder, ARTIFACTS, count * EACH + 1)))
        one_after_the_other(folder, todo[:1])
        parts = [todo[1:][at::count] for at in range(count)]
        with multiprocessing.Manager() as manager, ProcessPoolExecutor(count) as pool:
            ready = manager.Barrier(count, timeout=READY_S)
            told = list(pool.map(at_once, [ready] * count, [folder] * count, parts))
        wall = max(one["ended"] for one in told) - min(one["began"] for one in told)
        listed = {(each.cell, each.build_id) for distro in reading.distros(FolderStore(folder), "stable")
                  for each in reading.current(FolderStore(folder), "stable", distro)}  # fmt: skip
    lost = [cell for number, cell in todo if (str(cell), entry(cell, 200 + number).build_id) not in listed]
    if lost:
        raise SystemExit(f"{len(lost)} builds are not listed, e.g. of {lost[0]}")
    builds = count * EACH
    return {
        "cpu_s": round(statistics.median(second for one in told for second in one["cpu_s"]), 4),
        "requests": round(sum(one["requests"] for one in told) / builds, 1),
        "wall_s": round(wall / builds, 3),
    }


def at_once(ready: Barrier, folder: Path, builds: list[tuple[int, Cell]]) -> dict[str, Any]:
    """List builds as soon as all others are ready to, and tell when that was: the clock is one for all processes."""
    ready.wait()
    began = time.monotonic()
    return {**one_after_the_other(folder, builds), "began": began, "ended": time.monotonic()}


def one_after_the_other(folder: Path, builds: list[tuple[int, Cell]]) -> dict[str, Any]:
    """List builds: CPU seconds of each, and requests and bytes of all."""
    store, seconds = Counting(folder), []
    for number, cell in builds:
        began = time.process_time()
        update.add(store, "stable", entry(cell, 200 + number), base_url=_URL, clock=now)
        seconds.append(time.process_time() - began)
    return {"cpu_s": seconds, "requests": store.requests.total(), "read": store.bytes_read, "written": store.bytes_written}
