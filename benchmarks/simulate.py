"""A farm on paper: how long a run of thousands of cells takes with 1 to 1,000 workers, by the order in which cells are sent.

Usage: python -m benchmarks.simulate [--cells 2000] [--rounds 20] [--out benchmarks/results/simulation.json]

A discrete-event simulation (SimPy). How long cells take is drawn from docs/matrix.md, so from real builds: of their arch, if it
has any with their optimisation. `farm` is the order of `farm submit` (`farm.plan.fate.Plan.order`, the code itself). Two ways
group by builder image: `images` by the order of one queue for each arch (`by arch` is the farm's order of the same queue), and
`stay` by what workers take. A worker has one arch, but a single one has both, as one that emulates has; it makes an image when
it meets its first cell. Attempts fail in passing and are made again: which ones, and when, is drawn with the cell, so that all
orders meet the same failures. The bound is what no order can beat: all attempts by the workers of their arch, or one cell's.
"""

from __future__ import annotations

import argparse
import heapq
import random
import re
import statistics
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import simpy

from benchmarks.command import end
from benchmarks.provenance import MEASURED, stamp, write
from benchmarks.sections.simulation import simulation
from farm.dispatch.tempo import Tempo
from farm.plan.cell import Cell, Version
from farm.plan.facts import load_facts
from farm.plan.fate import Plan, Planned, plan
from farm.plan.matrix import Asked, Matrix
from farm.plan.options import Options

MATRIX = Path(__file__).parents[1] / "docs" / "matrix.md"
ROW = re.compile(
    r"^\| (?P<cell>\S+) \| [\d-]+ \| \d+ \| (?P<optimize>\S+) \| .* \| (?P<build>[\d:]+) \| (?P<verify>[\d:]+) \|", re.MULTILINE
)
ARCHES = ("amd64", "arm64")
OPTIMIZE = ("none", "pgo+lto")  # half of the cells each
WORKERS = (1, 3, 10, 30, 100, 300, 1000)
ARM = 0.3  # the part of the cells, and of the workers, that is arm64
IMAGE_S = 110.0  # base and builder image of a distro, as seen when the first cell of a day met it
FAILS = 0.03  # attempts that end in passing: an engine, a network, a host
BACKOFF_S = 5.0

Able = tuple[str, ...]  # the arches of a worker; no two kinds of workers share one
Times = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Work:
    """A cell as the simulation knows it: which image it needs, and the seconds that it really takes."""

    distro: str
    arch: str
    seconds: float
    fails: tuple[float, ...] = ()  # of each attempt that ends in passing: how much of it was done by then


def seen() -> Times:
    """Seconds of every real build, with its verification, by arch and optimisation."""
    found: Times = {}
    for row in ROW.finditer(MATRIX.read_text(encoding="utf-8")):
        took = sum(int(part.split(":")[0]) * 60 + int(part.split(":")[1]) for part in (row["build"], row["verify"]))
        found.setdefault(Cell.parse(row["cell"]).arch, {}).setdefault(row["optimize"], []).append(float(took))
    return found


@cache
def kinds() -> dict[tuple[str, str, str], Planned]:
    """A cell of each tested distro, arch and optimisation, as `farm plan` plans it: with what it is thought to cost."""
    facts = load_facts()
    tested = [name for name, distro in facts.distros.items() if not distro.facts.untested]
    cells = [Cell.parse(f"3.13.5-{distro}-{arch}") for distro in tested for arch in ARCHES]
    asked = tuple(Asked(cell, Options(optimize=optimize)) for cell in cells for optimize in OPTIMIZE)  # type: ignore[arg-type]
    found = plan(Matrix(asked), facts, (), {}, "").cells
    return {(each.cell.distro, each.cell.arch, each.options.optimize): each for each in found}


def planned(count: int, rng: random.Random) -> list[Planned]:
    """So many cells in a matrix's order: versions, then distros, then arches; some of them optimised, which takes longer."""
    cells: list[Planned] = []
    while len(cells) < count:
        version = replace(Version.parse("3.13.0"), patch=cells[-1].cell.python.patch + 1 if cells else 0)
        for distro, arch in dict.fromkeys((distro, arch) for distro, arch, _ in kinds()):
            if rng.random() < (ARM if arch == "arm64" else 1 - ARM) * 1.2:
                kind = kinds()[distro, arch, rng.choice(OPTIMIZE)]
                cells.append(replace(kind, cell=replace(kind.cell, python=version)))
    return cells[:count]


def longest_first(cells: Sequence[Planned]) -> Sequence[Planned]:
    """As `farm submit` orders them, by its own code."""
    return Plan(tuple(cells), {}).order


def by_image(cells: Sequence[Planned]) -> Sequence[Planned]:
    """Those of one builder image together, the image with the most work first, and its longest cells first."""
    work: Counter[tuple[str, str]] = Counter()
    for each in cells:
        work[each.cell.distro, each.cell.arch] += each.seconds
    place = {image: at for at, (image, _) in enumerate(work.most_common())}
    return sorted(longest_first(cells), key=lambda each: place[each.cell.distro, each.cell.arch])


@dataclass(frozen=True)
class Way:
    """An order that cells are sent in (estimates, not what a cell really takes, are what it can go by), and how many wait.

    `apart`: the window is of each queue, not of the run. `distros`: each distro has a queue of its own. `stays`: a worker takes
    from the queue it took from last while that has a cell, not from all in turn.
    """

    order: Callable[[Sequence[Planned]], Sequence[Planned]]
    window: int = Tempo.window
    apart: bool = True
    distros: bool = True
    stays: bool = False


WAYS = {
    "farm": Way(longest_first),
    "one window": Way(longest_first, apart=False),
    "no window": Way(longest_first, window=sys.maxsize),
    "by arch": Way(longest_first, distros=False),
    "images": Way(by_image, distros=False),
    "stay": Way(longest_first, stays=True),
    "matrix": Way(list),
}


def drawn(cells: Sequence[Planned], times: Times, rng: random.Random) -> list[Work]:
    """What each really takes: a time that was seen with its optimisation, on its arch if any was; and what fails."""
    work = []
    for cell, optimize in ((each.cell, each.options.optimize) for each in cells):
        everywhere = [took for found in times.values() for took in found.get(optimize, ())]
        seconds = rng.choice(times.get(cell.arch, {}).get(optimize) or everywhere)
        fails = []
        while rng.random() < FAILS:
            fails.append(rng.random())
        work.append(Work(cell.distro, cell.arch, seconds, tuple(fails)))
    return work


class Dispatcher:
    """Puts cells into the queues of a way in the run's order, but only so many that no more wait than its window lets."""

    def __init__(self, env: simpy.Environment, crews: Sequence[Able], work: Sequence[Work], way: Way) -> None:
        self.there = {able: simpy.Store(env) for able in crews}  # a token for each cell that waits, for who then takes it
        self._able = {arch: able for able in crews for arch in able}
        self._way = way
        self._queues: dict[str, deque[tuple[int, Work]]] = {name: deque() for name in sorted({*map(self._queue, work)})}
        self._later: dict[str, list[tuple[int, Work]]] = {}
        self._waiting: Counter[str] = Counter()
        for at, each in enumerate(work):
            self.add(at, each)

    def add(self, at: int, each: Work) -> None:
        """A cell is to be sent, or to be sent again, in its place in the order."""
        heapq.heappush(self._later.setdefault(self._of(each), []), (at, each))
        self._fill(self._of(each))

    def turns(self, able: Able, number: int) -> list[str]:
        """The queues of a worker, as it first looks at them: workers that wait are given cells of all distros alike."""
        names = [name for name in self._queues if name.split()[0] in able]
        first = number % len(names) if names else 0
        return [*names[first:], *names[:first]]

    def take(self, turns: list[str]) -> tuple[int, Work]:
        """A cell for a worker, from the next of its queues that has one; then there is room for another cell."""
        name = next(name for name in turns if self._queues[name])
        turns.remove(name)
        turns.insert(0 if self._way.stays else len(turns), name)
        at, each = self._queues[name].popleft()
        self._waiting[self._of(each)] -= 1
        self._fill(self._of(each))
        return at, each

    def _queue(self, each: Work) -> str:
        return f"{each.arch} {each.distro}" if self._way.distros else each.arch

    def _of(self, each: Work) -> str:
        return self._queue(each) if self._way.apart else "run"

    def _fill(self, of: str) -> None:
        while self._later[of] and self._waiting[of] < self._way.window:
            at, each = heapq.heappop(self._later[of])
            self._waiting[of] += 1
            self._queues[self._queue(each)].append((at, each))
            self.there[self._able[each.arch]].put(None)


def simulated(work: Sequence[Work], workers: dict[Able, int], way: Way) -> tuple[float, int]:
    """Makespan in seconds, and how many images were made."""
    env = simpy.Environment()
    dispatcher = Dispatcher(env, [*workers], work, way)
    left = {"cells": len(work), "images": 0}
    over = env.event()

    def worker(able: Able, number: int):  # noqa: ANN202 - a SimPy process
        images: set[tuple[str, str]] = set()
        turns = dispatcher.turns(able, number)
        while True:
            yield dispatcher.there[able].get()
            at, each = dispatcher.take(turns)
            if (image := (each.distro, each.arch)) not in images:
                images.add(image)
                left["images"] += 1
                yield env.timeout(IMAGE_S)
            if each.fails:
                yield env.timeout(each.seconds * each.fails[0])
                env.process(again(at, replace(each, fails=each.fails[1:])))
                continue
            yield env.timeout(each.seconds)
            left["cells"] -= 1
            if not left["cells"]:
                over.succeed()

    def again(at: int, each: Work):  # noqa: ANN202 - a SimPy process
        yield env.timeout(BACKOFF_S)
        dispatcher.add(at, each)

    for able, count in workers.items():
        for number in range(count):
            env.process(worker(able, number))
    env.run(until=over)
    return float(env.now), left["images"]


def bound(work: Sequence[Work], workers: dict[Able, int]) -> tuple[float, bool]:
    """What no order can beat, in seconds, and whether that is a single cell's attempts; images are left out."""
    took = [(each.arch, each.seconds * (1 + sum(each.fails)), BACKOFF_S * len(each.fails)) for each in work]
    share = max(sum(busy for arch, busy, _ in took if arch in able) / count for able, count in workers.items())
    alone = max(busy + waits for _, busy, waits in took)
    return max(share, alone), alone > share


def crew(count: int) -> dict[Able, int]:
    """Workers by their arches; a single one has both."""
    arm = round(count * ARM)
    return {("amd64",): count - arm, ("arm64",): arm} if count > 1 else {ARCHES: 1}


def _median(found: Iterable[float]) -> float:
    return round(statistics.median(found), 3)


def measured(count: int, rounds: int, seed: int) -> Iterator[dict[str, object]]:
    """A row for each number of workers: makespans by the bound, and by the farm's of the same round; medians of the rounds."""
    for workers in WORKERS:
        bounds = []
        found: dict[str, list[tuple[float, int]]] = {name: [] for name in WAYS}
        for number in range(rounds):
            rng = random.Random(f"{seed}/{workers}/{number}")
            cells = planned(count, rng)
            took = dict(zip((each.cell for each in cells), drawn(cells, seen(), rng), strict=True))
            bounds.append(bound([*took.values()], crew(workers)))
            for name, way in WAYS.items():
                makespan, made = simulated([took[each.cell] for each in way.order(cells)], crew(workers), way)
                found[name].append((makespan / bounds[-1][0], made))
        farm = [by for by, _ in found["farm"]]
        yield {
            "workers": workers,
            "bound_hours": _median(least / 3600 for least, _ in bounds),
            "bound_of_one_cell": sum(alone for _, alone in bounds),  # in so many rounds
            "by_bound": {name: _median(by for by, _ in each) for name, each in found.items()},
            "by_farm": {name: _median(by / its for (by, _), its in zip(found[name], farm, strict=True)) for name in WAYS},
            "images_made": {name: int(_median(made for _, made in each)) for name, each in found.items()},
        }


def main() -> int:
    """Simulate, print, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.simulate")
    parser.add_argument("--cells", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/simulation.json"))
    options = parser.parse_args()
    result = {
        **{name: value for name, value in vars(options).items() if name != "out"},
        MEASURED: stamp(),
        "builds_drawn_from": {arch: {name: len(took) for name, took in found.items()} for arch, found in seen().items()},
        "image_seconds": IMAGE_S,
        "fails": FAILS,
        "window": Tempo.window,
        "rows": [*measured(options.cells, options.rounds, options.seed)],
    }
    write(options.out, result)
    print("\n\n".join(map(str, simulation(result))))
    return 0


if __name__ == "__main__":
    end(main)
