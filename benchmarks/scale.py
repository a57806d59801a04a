"""What commands cost as farms grow: `farm plan` by cells and artifacts, publishing one cell and rendering all by artifacts.

Usage: python -m benchmarks.scale [--sizes 100,1000,10000,100000] [--only NAME] [--out FILE]

`farm plan` is run as a process, on a matrix of that many cells against a folder store in which as many artifacts are published;
CPU seconds are its own (whatever else runs on the machine), and memory is the largest that it ever held. Publishing is the
update of a channel's index after one build (`benchmarks.publishing`).
"""

from __future__ import annotations

import argparse
import atexit
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import metadata
from benchmarks.command import end
from benchmarks.provenance import MEASURED, stamp, write
from benchmarks.publishing import Counting, published, publishers
from benchmarks.synthetic import entries, fill
from farm.cli.matrix_options import read_plan
from farm.index import update
from farm.plan.buildcode import build_code
from farm.plan.facts import load_facts
from farm.plan.fate import plan
from farm.plan.matrix import read_matrix
from farm.plan.narrow import Overrides
from farm.settings import Settings
from farm.store import keys
from farm.store.folder import FolderStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from farm.plan.fate import Planned

SIZES = (100, 1000, 10_000, 100_000)
SERIES = (9, 11, 13, 14)
DISTROS, ARCHES = ("debian11", "debian12", "debian13"), ("amd64", "arm64")
RUNS = 5
RENDERED = (1000, 5000)
WHAT = ("render", "plan", "publish", "requests", "publishers")
PUBLISHERS = (1, 2, 4, 8)
MOST_IN_PROCESS = 10_000  # of cells; beyond that a count that does not change takes long to see


@dataclass(frozen=True)
class Cost:
    """What a process took: CPU and wall seconds, and MiB at its largest."""

    cpu: float
    wall: float
    mib: float


def process(argv: list[str], environment: dict[str, str], cwd: Path) -> Cost:
    """Run a command to its end. Raises SystemExit when it fails."""
    began = time.perf_counter()
    with (cwd / "output").open("wb") as output:
        child = subprocess.Popen(argv, env=environment, cwd=cwd, stdout=output, stderr=output)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(argv)} failed:\n{(cwd / 'output').read_text()[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss / 1024)


def versions(cells: int) -> Iterator[str]:
    """So many made-up releases that the matrix has that many cells."""
    wanted = -(-cells // (len(DISTROS) * len(ARCHES)))
    return (f"3.{SERIES[number % len(SERIES)]}.{number // len(SERIES)}" for number in range(wanted))


def furnish(folder: Path, cells: int, inputs: str = "1" * 64, published: int | None = None) -> list[Planned]:
    """A folder of facts with made-up releases, a matrix, and a store in which all cells, or so many, are published.

    Gives the cells in the matrix's order.
    """
    like = load_facts().sources["3.13.5"]
    names = list(versions(cells))
    (folder / "facts").mkdir()
    row = f'file = "{like.file}"\nsha256 = "{like.sha256}"\npath = "{like.path}"\nepoch = {like.epoch}\n'
    (folder / "facts" / "sources.toml").write_text("".join(f'["{name}"]\n{row}' for name in names))
    listed = ", ".join(f'"{name}"' for name in names)
    (folder / "matrix.yaml").write_text(
        f"pythons: [{listed}]\ndistros: [{', '.join(DISTROS)}]\narches: [{', '.join(ARCHES)}]\noptimize: none\nchannel: dev\n"
    )
    store = FolderStore(folder / "store")
    facts = load_facts(folder / "facts")
    matrix = read_matrix((folder / "matrix.yaml").read_bytes(), "matrix.yaml", facts)
    found = list(plan(matrix, facts, [], {}, build_code()).cells)
    for one in found[:published]:
        announce(store, one, inputs)
    return found


def announce(store: FolderStore, planned: Planned, inputs: str) -> None:
    """Have the catalog name a build of a cell."""
    if planned.recipe:
        store.put(keys.published(planned.cell, "2026112201", planned.recipe.digest, inputs, "dev").key, b"{}")


def planned(cells: int) -> dict[str, float]:
    """The cost of `farm plan` at a size."""
    with tempfile.TemporaryDirectory(prefix="farm-scale-") as name:
        folder = Path(name)
        furnish(folder, cells)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FARM_")}
        environment = {**kept, "FARM_FACTS": str(folder / "facts"), "FARM_STORE": str(folder / "store")}
        argv = [str(Path(sys.executable).with_name("farm")), "plan", "matrix.yaml"]
        costs = [process(argv, environment, folder) for _ in range(3 if cells > 20_000 else RUNS)]  # noqa: PLR2004 - patience
    return {
        "cpu_s": round(statistics.median(cost.cpu for cost in costs), 3),
        "wall_s": round(statistics.median(cost.wall for cost in costs), 3),
        "mib": round(max(cost.mib for cost in costs), 1),
    }


def requested(cells: int) -> dict[str, int]:
    """What planning that many published cells asks of the store, by kind of request."""
    with tempfile.TemporaryDirectory(prefix="farm-scale-") as name:
        folder = Path(name)
        furnish(folder, cells)
        store = Counting(folder / "store")
        read_plan(folder / "matrix.yaml", (), Overrides(), Settings(facts=folder / "facts"), store)
    return dict(sorted(store.requests.items()))


def rendered(artifacts: int) -> dict[str, float]:
    """Seconds and CPU seconds of writing all files of a channel that lists so many, at first and again; KiB of what is read.

    Archives, metadata as large as real ones, and images are there, as publishers leave them. The folder is removed when all is
    over: of each new file ext4 asks whether its inode was freed in the last minutes, and passes by every one that was.
    """
    folder = Path(tempfile.mkdtemp(prefix="farm-scale-"))
    atexit.register(shutil.rmtree, folder)
    store = FolderStore(folder)
    made = entries(artifacts)
    fill(store, "stable", made)
    for one in made:
        store.put(one.metadata, metadata.rendered(one))
        for archive in one.archives:
            store.put(archive.key, b"an archive, of which an index only says that it is there")
        update.write_image(store, one, frozenset())
    spent = []
    for _ in range(2):
        began = os.times()
        update.rewrite(store, "stable", base_url="https://python.example.org")
        ended = os.times()
        spent.append((ended.user - began.user, ended.system - began.system, ended.elapsed - began.elapsed))
    index = [keys.channel_pointer("stable"), *update.shard_keys(store, "stable")]
    shown = [stat.key for stat in store.list(keys.site("stable", "data/"))]
    return {
        "first_s": round(spent[0][2], 2),
        "first_cpu_s": round(sum(spent[0][:2]), 2),
        "first_kernel_s": round(spent[0][1], 2),
        "again_s": round(spent[1][2], 2),
        "again_cpu_s": round(sum(spent[1][:2]), 2),
        "index_kib": round(_compressed(store, index), 1),
        "catalog_kib": round(_compressed(store, shown), 1),
    }


def _compressed(store: FolderStore, names: list[str]) -> float:
    return sum(len(gzip.compress(found[0])) for key in names if (found := store.get(key))) / 1024


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.scale")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--only", choices=WHAT, help="renew this, and keep what else the file says")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/scale.json"))
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    result = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    measures: dict[str, tuple[Callable[[int], dict[str, Any]], Sequence[int]]] = {
        "render": (rendered, RENDERED),
        "plan": (planned, sizes),
        "publish": (published, sizes),
        "requests": (requested, [size for size in sizes if size <= MOST_IN_PROCESS]),
        "publishers": (publishers, PUBLISHERS),
    }
    for what in [options.only] if options.only else measures:
        measure, at = measures[what]
        result[what] = {}
        result.setdefault(MEASURED, {})[what] = stamp()
        for size in at:
            result[what][str(size)] = measure(size)
            print(f"{what}, {size}: {result[what][str(size)]}", flush=True)
            write(options.out, result)  # kept if it ends early
    return 0


if __name__ == "__main__":
    end(main)
