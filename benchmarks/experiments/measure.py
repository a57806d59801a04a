"""Trees of experiments in one box: timed in turns, and their instructions counted. What was measured once is kept."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.experiments.relink import PARTS, TREES, Shelf, keep
from benchmarks.instructions import DEFAULT, loop_counted
from benchmarks.ratios import Runs, asked
from benchmarks.speed import EMBEDDER, image_of
from benchmarks.turns import METHOD, Bench, kept, kept_sizes, told, tools
from farm.plan.cell import Cell
from farm.plan.recipe import digest_of
from farm.settings import Settings
from workers.build.sources import fetch
from workers.engine.docker import DockerEngine
from workers.engine.protocol import Box, BoxSpec, Limits
from workers.verify.probe import parcel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.plan.recipe import Recipe

_LONG = Limits(deadline_s=24 * 3600, step_s=8 * 3600, silent_s=4 * 3600)
Counts = dict[str, dict[str, dict[str, int]]]  # tree to benchmark to part to instructions of a loop


@dataclass(frozen=True)
class Laboratory:
    """Where trees are built and run: `packages` are those of a build and what experiments need."""

    cell: Cell
    engine: DockerEngine
    settings: Settings
    packages: tuple[str, ...]

    def shelf(self, found: dict[str, Recipe]) -> Shelf:
        """Where these trees are kept, as the image makes them that they are built in."""
        folder = self.settings.cache / "benchmarks" / "experiments"
        return Shelf(folder, found, self.engine.identity(self._image()))

    def timed(self, shelf: Shelf, rounds: int, scripts: list[str]) -> Runs:
        """Runs of every tree, which are built if they are not kept."""
        file = self.runs_file(shelf)
        with self._opened(shelf, self._image()) as (box, turns):
            bench = Bench(box, turns, file, kept(file), kept_sizes(file))
            bench.run(rounds, scripts)
        return asked(bench.runs, rounds, scripts)

    def runs_file(self, shelf: Shelf) -> Path:
        """Where the runs of these trees are kept."""
        names = digest_of([METHOD, *sorted(str(shelf.file(name)) for name in shelf.recipes)])[:16]
        return shelf.folder / f"experiments-{names}.json"

    def counted(self, shelf: Shelf, benchmarks: list[str]) -> Counts:
        """What was counted of every tree, now or before."""
        found: Counts = {name: shelf.counts(name) for name in shelf.recipes}
        missing = [(name, one) for name in found for one in benchmarks if one not in found[name]]
        if missing:
            with self._opened(shelf, self._image("valgrind")) as (box, turns):
                for name, one in missing:
                    parts = {part: turns[f"{name} {part}"] for part in PARTS}
                    loops = {part: loop_counted(box, parts[part], one, DEFAULT[one], simulated=()) for part in PARTS}
                    found[name][one] = {part: loops[part]["instructions"] for part in PARTS}
                    keep(shelf.counts_file(name), [json.dumps(found[name]).encode()])
        return found

    def _image(self, *more: str) -> str:
        return image_of(self.cell, self.engine, self.settings, *self.packages, *more)

    @contextmanager
    def _opened(self, shelf: Shelf, image: str) -> Iterator[tuple[Box, dict[str, str]]]:
        source = next(iter(shelf.recipes.values())).source
        with self.engine.box(BoxSpec(image, _LONG)) as box, tempfile.TemporaryDirectory() as folder:
            shelf.trees(box, (fetch(source, self.settings, print),), self.settings.make_jobs)
            box.put("/work", parcel(tools(Path(folder), self.cell.python), ["scratch"]))
            yield box, contestants(box, shelf)


def contestants(box: Box, shelf: Shelf) -> dict[str, str]:
    """Each tree's executable, and its libpython in a program that embeds it."""
    box.put("/work/scratch", parcel({"main.c": EMBEDDER.encode()}))
    turns = {}
    for name, recipe in shelf.recipes.items():
        root, layout = f"{TREES}/{name}", recipe.layout
        turns[f"{name} executable"] = f"{root}/bin/{layout.executable}"
        turns[f"{name} libpython"] = program = f"/work/scratch/embeds-{name}"
        words = ["-I", f"{root}/include/{layout.lib}", "-L", f"{root}/lib", f"-Wl,-rpath,{root}/lib", f"-l{layout.lib}"]
        told(box, "gcc", "-O2", "-o", program, "/work/scratch/main.c", *words)
    return turns
