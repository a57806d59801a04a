"""A farm on paper: how long a run of thousands of cells takes with 1 to 1,000 workers, by the order in which cells are sent.

Usage: python -m benchmarks.simulate [--cells 2000] [--rounds 5] [--out benchmarks/results/simulation.json]

A discrete-event simulation (SimPy). How long cells take is drawn from docs/matrix.md, so from real builds. `farm` is the order
that `farm submit` sends them in (`farm.plan.fate.Plan.order`, the code itself): the longest first. `images` goes by builder
image, `matrix` by the matrix. A worker has one arch, and makes the builder image of a distro when it meets its first cell.
Attempts fail in passing and are made again after a back-off. The bound is what no order can beat: the work divided by the
workers of its arch, or the longest cell.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import simpy

from farm.plan.cell import Cell, Version
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.fate import Plan, Planned
from farm.plan.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MATRIX = Path(__file__).parents[1] / "docs" / "matrix.md"
ROW = re.compile(
    r"^\| (?P<cell>\S+) \| [\d-]+ \| \d+ \| (?P<optimize>\S+) \| .* \| (?P<build>[\d:]+) \| (?P<verify>[\d:]+) \|", re.MULTILINE
)
WORKERS = (1, 3, 10, 30, 100, 300, 1000)
ARM = 0.3  # the part of the cells, and of the workers, that is arm64
IMAGE_S = 110.0  # base and builder image of a distro, as seen when the first cell of a day met it
FAILS = 0.03  # attempts that end in passing: an engine, a network, a host
BACKOFF_S = 5.0


@dataclass(frozen=True)
class Work:
    """A cell as the simulation knows it: which image it needs, and the seconds that it really takes."""

    distro: str
    arch: str
    seconds: float


def seen() -> dict[str, list[float]]:
    """Seconds of every real build, with its verification, by optimisation."""
    found: dict[str, list[float]] = {}
    for row in ROW.finditer(MATRIX.read_text(encoding="utf-8")):
        took = sum(int(part.split(":")[0]) * 60 + int(part.split(":")[1]) for part in (row["build"], row["verify"]))
        found.setdefault(row["optimize"], []).append(float(took))
    return found


def planned(count: int, rng: random.Random) -> list[Planned]:
    """So many cells in a matrix's order: versions, then distros, then arches; some of them optimised, which takes longer."""
    facts, cells = load_facts(), []
    tested = [name for name, distro in facts.distros.items() if not distro.facts.untested]
    base = compose(Cell.parse("3.13.5-debian13-amd64"), Options(optimize="none"), facts, "")
    patch = 0
    while len(cells) < count:
        version = replace(Version.parse("3.13.0"), patch=patch)
        for distro in tested:
            for arch in ("amd64", "arm64"):
                if rng.random() < (ARM if arch == "arm64" else 1 - ARM) * 1.2:
                    optimize = "pgo+lto" if rng.random() < 0.5 else "none"  # noqa: PLR2004 - every other one
                    cell = Cell(version, distro, arch, "default")
                    recipe = replace(base, cell=cell, build_packages=(distro, arch))
                    cost = next(row for row in facts.costs.values() if not row.optimize or optimize in row.optimize)
                    cells.append(Planned(cell, Options(optimize=optimize), "build", "", recipe, None, cost.seconds, 0, 0))  # type: ignore[arg-type]
        patch += 1
    return cells[:count]


def by_image(cells: Sequence[Planned]) -> Sequence[Planned]:
    """Those of one builder image together, the image with the most work first, and its longest cells first."""
    images: dict[tuple[str, str], list[Planned]] = {}
    for each in cells:
        images.setdefault((each.cell.distro, each.cell.arch), []).append(each)
    by_work = sorted(images.values(), key=lambda group: -sum(each.seconds for each in group))
    return [each for group in by_work for each in sorted(group, key=lambda one: -one.seconds)]


def orders() -> dict[str, Callable[[Sequence[Planned]], Sequence[Planned]]]:
    """The orders by name; estimates, not what a cell really takes, are what an order can go by."""
    return {
        "farm": lambda cells: Plan(tuple(cells), {}).order,
        "images": by_image,
        "matrix": lambda cells: cells,
    }


def drawn(cells: Sequence[Planned], times: dict[str, list[float]], rng: random.Random) -> list[Work]:
    """What each really takes: one of the times that were seen with its optimisation."""
    longest = max(max(all_of) for all_of in times.values())
    return [Work(each.cell.distro, each.cell.arch, rng.choice(times.get(each.options.optimize) or [longest])) for each in cells]


def simulated(work: Sequence[Work], workers: dict[str, int], rng: random.Random) -> tuple[float, int]:
    """Makespan in seconds, and how many images were made. A queue for each arch; each worker takes the next of its own."""
    env = simpy.Environment()
    queues = {arch: simpy.Store(env) for arch in workers}
    left = {"cells": len(work), "images": 0}
    over = env.event()
    for each in work:
        queues[each.arch].put(each)

    def worker(arch: str):  # noqa: ANN202 - a SimPy process
        images: set[str] = set()
        while True:
            each = yield queues[arch].get()
            if each.distro not in images:
                images.add(each.distro)
                left["images"] += 1
                yield env.timeout(IMAGE_S)
            if rng.random() < FAILS:
                yield env.timeout(each.seconds * rng.random())
                env.process(again(each))
                continue
            yield env.timeout(each.seconds)
            left["cells"] -= 1
            if not left["cells"]:
                over.succeed()

    def again(each: Work):  # noqa: ANN202 - a SimPy process
        yield env.timeout(BACKOFF_S)
        queues[each.arch].put(each)

    for arch, count in workers.items():
        for _ in range(count):
            env.process(worker(arch))
    env.run(until=over)
    return float(env.now), left["images"]


def bound(work: Sequence[Work], workers: dict[str, int]) -> float:
    """What no order can beat, in seconds; images and failures are left out."""
    shares = [sum(each.seconds for each in work if each.arch == arch) / count for arch, count in workers.items()]
    return max(*shares, *(each.seconds for each in work))


def crew(count: int) -> dict[str, int]:
    """Workers by arch; a single one can do both, as one that emulates can, so each arch has at least one."""
    arm = max(1, round(count * ARM))
    return {"amd64": max(1, count - arm), "arm64": arm}


def measured(count: int, rounds: int, seed: int) -> list[dict[str, object]]:
    """A row for each number of workers: makespan by the bound, the median of the rounds, for each order."""
    rows = []
    times = seen()
    for workers in WORKERS:
        ratios: dict[str, list[float]] = {name: [] for name in orders()}
        images: dict[str, list[int]] = {name: [] for name in orders()}
        hours = []
        for number in range(rounds):
            rng = random.Random(f"{seed}/{workers}/{number}")
            cells = planned(count, rng)
            took = dict(zip((each.cell for each in cells), drawn(cells, times, rng), strict=True))
            least = bound(list(took.values()), crew(workers))
            hours.append(least / 3600)
            for name, order in orders().items():
                luck = random.Random(f"{seed}/{workers}/{number}/luck")
                makespan, made = simulated([took[each.cell] for each in order(cells)], crew(workers), luck)
                ratios[name].append(makespan / least)
                images[name].append(made)
        rows.append(
            {
                "workers": workers,
                "bound_hours": round(statistics.median(hours), 3),
                "by_bound": {name: round(statistics.median(found), 3) for name, found in ratios.items()},
                "images_made": {name: int(statistics.median(found)) for name, found in images.items()},
            }
        )
    return rows


def main() -> int:
    """Simulate, print, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.simulate")
    parser.add_argument("--cells", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/simulation.json"))
    options = parser.parse_args()
    rows = measured(options.cells, options.rounds, options.seed)
    result = {
        "cells": options.cells,
        "rounds": options.rounds,
        "seed": options.seed,
        "builds_drawn_from": {name: len(found) for name, found in seen().items()},
        "image_seconds": IMAGE_S,
        "fails": FAILS,
        "rows": rows,
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    names = list(orders())
    print(f"| workers | bound, hours | {' | '.join(names)} |")
    for row in rows:
        by_bound = row["by_bound"]
        assert isinstance(by_bound, dict)
        print(f"| {row['workers']} | {row['bound_hours']} | {' | '.join(str(by_bound[name]) for name in names)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
