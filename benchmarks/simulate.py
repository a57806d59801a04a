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
import heapq
import itertools
import json
import random
import re
import statistics
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import simpy

from benchmarks.command import end
from farm.dispatch.tempo import Tempo
from farm.plan.cell import Cell, Version
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.fate import Plan, Planned
from farm.plan.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterable

MATRIX = Path(__file__).parents[1] / "docs" / "matrix.md"
ROW = re.compile(
    r"^\| (?P<cell>\S+) \| [\d-]+ \| \d+ \| (?P<optimize>\S+) \| .* \| (?P<build>[\d:]+) \| (?P<verify>[\d:]+) \|", re.MULTILINE
)
WORKERS = (1, 3, 10, 30, 100, 300, 1000)
ARM = 0.3  # the part of the cells, and of the workers, that is arm64
IMAGE_S = 110.0  # base and builder image of a distro, as seen when the first cell of a day met it
FAILS = 0.03  # attempts that end in passing: an engine, a network, a host
BACKOFF_S = 5.0


@dataclass(frozen=True, order=True)
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


@dataclass(frozen=True)
class Way:
    """An order that cells are sent in (estimates, not what a cell really takes, are what it can go by), and how many wait."""

    order: Callable[[Sequence[Planned]], Sequence[Planned]]
    window: int = Tempo.window
    apart: bool = True


def longest_first(cells: Sequence[Planned]) -> Sequence[Planned]:
    """As `farm submit` orders them, by its own code."""
    return Plan(tuple(cells), {}).order


WAYS = {
    "farm": Way(longest_first),
    "one window": Way(longest_first, apart=False),
    "no window": Way(longest_first, window=sys.maxsize),
    "images": Way(by_image),
    "matrix": Way(list),
}


def drawn(cells: Sequence[Planned], times: dict[str, list[float]], rng: random.Random) -> list[Work]:
    """What each really takes: one of the times that were seen with its optimisation."""
    longest = max(max(all_of) for all_of in times.values())
    return [Work(each.cell.distro, each.cell.arch, rng.choice(times.get(each.options.optimize) or [longest])) for each in cells]


class Dispatcher:
    """Puts cells into queues in the run's order, but only so many that no more wait than the window lets.

    There is a queue for each distro and arch; a worker takes from those of its arch in turn. `way.apart`: the window is that of
    each queue, and not of the run.
    """

    def __init__(self, env: simpy.Environment, arches: Iterable[str], work: Sequence[Work], way: Way) -> None:
        self._there = {arch: simpy.Store(env) for arch in arches}  # a token for each cell that waits
        self._queues: dict[str, dict[str, deque[tuple[int, Work]]]] = {arch: {} for arch in arches}
        self._way = way
        self._later: dict[str, list[tuple[int, Work]]] = {}
        self._waiting: dict[str, int] = {}
        for at, each in enumerate(work):
            self.add(at, each)
        for of in [*self._later]:
            self._fill(of)

    def add(self, at: int, each: Work) -> None:
        """A cell is to be sent, in its place in the order."""
        heapq.heappush(self._later.setdefault(self._of(each), []), (at, each))

    def waiting(self, arch: str) -> simpy.events.Event:
        """What happens when there is a cell for a worker of an arch, which is then to take it."""
        return self._there[arch].get()

    def take(self, arch: str, turn: int) -> tuple[int, Work]:
        """A cell for a worker, from the next of its queues that has one; then there is room for another cell."""
        queues = sorted(self._queues[arch].items())
        first = next(queue for _, queue in [*queues[turn % len(queues) :], *queues[: turn % len(queues)]] if queue)
        at, each = first.popleft()
        self._waiting[self._of(each)] -= 1
        self._fill(self._of(each))
        return at, each

    def back(self, at: int, each: Work) -> None:
        """It failed in passing, and is to be sent again."""
        self.add(at, each)
        self._fill(self._of(each))

    def _of(self, each: Work) -> str:
        return f"{each.distro} {each.arch}" if self._way.apart else "run"

    def _fill(self, of: str) -> None:
        while self._later[of] and self._waiting.get(of, 0) < self._way.window:
            at, each = heapq.heappop(self._later[of])
            self._waiting[of] = self._waiting.get(of, 0) + 1
            self._queues[each.arch].setdefault(each.distro, deque()).append((at, each))
            self._there[each.arch].put(None)


def simulated(work: Sequence[Work], workers: dict[str, int], rng: random.Random, way: Way) -> tuple[float, int]:
    """Makespan in seconds, and how many images were made. A worker is of one arch."""
    env = simpy.Environment()
    dispatcher = Dispatcher(env, workers, work, way)
    left = {"cells": len(work), "images": 0}
    over = env.event()

    def worker(arch: str):  # noqa: ANN202 - a SimPy process
        images: set[str] = set()
        for turn in itertools.count():
            yield dispatcher.waiting(arch)
            at, each = dispatcher.take(arch, turn)
            if each.distro not in images:
                images.add(each.distro)
                left["images"] += 1
                yield env.timeout(IMAGE_S)
            if rng.random() < FAILS:
                yield env.timeout(each.seconds * rng.random())
                env.process(again(at, each))
                continue
            yield env.timeout(each.seconds)
            left["cells"] -= 1
            if not left["cells"]:
                over.succeed()

    def again(at: int, each: Work):  # noqa: ANN202 - a SimPy process
        yield env.timeout(BACKOFF_S)
        dispatcher.back(at, each)

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
        ratios: dict[str, list[float]] = {name: [] for name in WAYS}
        images: dict[str, list[int]] = {name: [] for name in WAYS}
        hours = []
        for number in range(rounds):
            rng = random.Random(f"{seed}/{workers}/{number}")
            cells = planned(count, rng)
            took = dict(zip((each.cell for each in cells), drawn(cells, times, rng), strict=True))
            least = bound(list(took.values()), crew(workers))
            hours.append(least / 3600)
            for name, way in WAYS.items():
                luck = random.Random(f"{seed}/{workers}/{number}/luck")
                makespan, made = simulated([took[each.cell] for each in way.order(cells)], crew(workers), luck, way)
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
        "window": Tempo.window,
        "rows": rows,
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    names = list(WAYS)
    print(f"| workers | bound, hours | {' | '.join(names)} |")
    for row in rows:
        by_bound = row["by_bound"]
        assert isinstance(by_bound, dict)
        print(f"| {row['workers']} | {row['bound_hours']} | {' | '.join(str(by_bound[name]) for name in names)} |")
    return 0


if __name__ == "__main__":
    end(main)
