"""The time budgets: measured, and printed.

Usage: python -m benchmarks.budgets [--store ./store] [--cell CELL] [--out benchmarks/results/budgets.json]

What a command takes is the median of several runs. What a cell's steps took is read from a build in the store: the newest of
`--cell`, or else the newest of all for amd64 that was not cross-compiled: an emulator's times are not the farm's. There must
be one (`make demo`).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cells import light
from benchmarks.command import end
from benchmarks.provenance import MEASURED, stamp, write
from farm.plan.cell import Cell
from farm.store import catalog
from farm.store.folder import FolderStore

if TYPE_CHECKING:
    from farm.store.artifact import Artifact

ARCH = "amd64"


@dataclass(frozen=True)
class Figure:
    """A measured time against its budget, in seconds."""

    what: str
    seconds: float
    budget: float
    how: str


def command(*argv: str, runs: int) -> tuple[float, str]:
    """Median wall time of a command, and how often it ran."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return statistics.median(times), f"median of {runs}"


def commands() -> list[Figure]:
    """The commands that people wait for."""
    farm = str(Path(sys.executable).with_name("farm"))
    return [
        Figure("`farm --help`", *_split(command(farm, "--help", runs=9), 0.3)),
        Figure("`farm plan` of the root matrix", *_split(command(farm, "plan", "matrix.yaml", runs=5), 1.0)),
    ]


def _split(measured: tuple[float, str], budget: float) -> tuple[float, float, str]:
    return measured[0], budget, measured[1]


def demo_again() -> Figure:
    """`make demo` when everything is there already."""
    seconds, how = command("make", "demo", runs=1)
    return Figure("`make demo`, warm", seconds, 20, how)


def newest(store: FolderStore, cell: Cell | None) -> Artifact:
    """The newest build of a cell, or of all native ones for amd64. Ends the benchmark when there is none."""
    every = [build for build in catalog.published(store, cell) if cell or build.cell.arch == ARCH]
    builds = [one for one in (catalog.artifact(store, build) for build in every) if cell or one.build.built == "native"]
    if not builds:
        what = f"no build of {cell}" if cell else f"no native build for {ARCH}"
        raise SystemExit(f"{what} is published in {store.name}: run `make demo` first, or name a cell that is there (--cell)")
    return max(builds, key=lambda one: (one.created, one.build_id))


def steps(folder: Path, cell: Cell | None = None) -> list[Figure]:
    """What the steps of a build in a store took, see `newest`."""
    artifact = newest(FolderStore(folder), cell)
    took = {step.step: step.seconds for step in artifact.steps}
    how = f"{artifact.build.cell}, {artifact.build.optimize}, build {artifact.build_id}"
    return [
        Figure("a cell without compile, install, pack and verify", light(took), 25, how),
        Figure("pack, all kinds", took["pack"], 60, how),
        Figure("standard verification", took["verify"], 180, how),
    ]


def main() -> int:
    """Measure, print, and write the JSON; 1 when a budget is exceeded."""
    parser = argparse.ArgumentParser(prog="benchmarks.budgets")
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--cell", default="", help="whose steps are told; of the newest native one otherwise")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/budgets.json"))
    options = parser.parse_args()
    stored = steps(options.store, Cell.parse(options.cell) if options.cell else None)  # first: it may say what is missing
    figures = [*commands(), *stored, demo_again()]
    result = {MEASURED: stamp(), "figures": [asdict(figure) for figure in figures]}
    write(options.out, result)
    for each in figures:
        print(f"{each.what}: {each.seconds:.2f} s of {each.budget:g} s ({each.how})")
    over = [figure.what for figure in figures if figure.seconds > figure.budget]
    if over:
        print(f"over budget: {', '.join(over)}")
    return bool(over)


if __name__ == "__main__":
    end(main)
