"""What the dual build costs beside a single one: ours, and the official Docker image's recipe, from one source in one image.

Usage: python -m benchmarks.dual CELL [--optimize pgo+lto] [--jobs N] [--keep] [--fresh] [--out FILE]

One after the other, each in a box of its own with as many jobs. Every step is told in seconds and in CPU seconds of its box,
and so is what the compilers said of profiles that are not there, or are of other code. What is compared is configure, compile,
link, install, stripping and bytecode: the single build's linker strips and its `make install` compiles bytecode, for which ours
has steps of its own. Unpacking and what gets a tree out of its box are in neither.

A ratio is of halves that were measured in one run: on another day the machine does other things besides. What a whole run found
is kept, and taken again until one of the recipes changes (or `--fresh` is given). A run that was ended between its halves is no
whole run: the next one measures both. `--keep` keeps the single build's tree, which `benchmarks.speed` then takes as a
contestant; where that tree is missing, both are measured again, too.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.command import end
from benchmarks.official import INSTALL, MOST, PACKAGES, RECIPE, Single, kept_tree, place
from benchmarks.provenance import MEASURED, mark, stamped, write
from farm.plan.buildcode import build_code
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.patches import patch_texts
from farm.plan.recipe import digest_of
from farm.settings import Settings
from workers.build.compile import Passes
from workers.build.image import ImageMaker
from workers.build.sources import fetch
from workers.engine.cpu import cpu_seconds
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import Box, BoxSpec, Limits

if TYPE_CHECKING:
    from farm.plan.recipe import Recipe

# the steps that are compared, by their names here and there
COUNTED = {
    "single": ("configure", "make", "link again", "install"),
    "ours": ("configure", "make shared", "install", "link static", "split debug", "bytecode"),
}
# what compilers say of profiles that are not there, or are of other code: kinds of warnings, and who has them
KINDS = {
    # https://gcc.gnu.org/onlinedocs/gcc/Warning-Options.html#index-Wmissing-profile
    "missing-profile": "gcc",
    "coverage-mismatch": "gcc",
    # https://clang.llvm.org/docs/DiagnosticsReference.html#wprofile-instr-out-of-date
    "profile-instr-out-of-date": "clang",
    "profile-instr-unprofiled": "clang",
    "profile-instr-missing": "clang, when it is told to",
    "backend-plugin": "clang, of profiles of its intermediate code",
}
OF_OTHER_CODE = ("coverage-mismatch", "profile-instr-out-of-date")  # a profile of code that has changed since
PROFILE = re.compile(rf"\[-W(?:error=|error,-W)?(?P<kind>{'|'.join(KINDS)})\]")
# clang has no place for them in the source: it names a file in what it says, or none at all, but only how many functions
FILE = re.compile(r'^(?:warning: |error: )?+(?:no profile .* for file "(?P<quoted>[^"]+)"|(?P<file>[^:\s]+):)')
HOURS = Limits(deadline_s=12 * 3600, step_s=8 * 3600, silent_s=4 * 3600)


@dataclass
class Watch:
    """Takes the time of steps, by the clock and by the CPU seconds of a box, and reads what is printed."""

    box: Box
    clock: Callable[[], float] = time.monotonic
    steps: list[dict[str, Any]] = field(default_factory=list)
    warned: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    _began: tuple[float, float | None] = (0.0, None)

    def step(self, name: str) -> None:
        """A step begins, and the one before it is over."""
        now = self.clock(), cpu_seconds(self.box)
        if self.steps:
            used = None if None in (now[1], self._began[1]) else round(now[1] - self._began[1], 2)  # type: ignore[operator]
            self.steps[-1] |= {"seconds": round(now[0] - self._began[0], 2), "cpu_seconds": used}
        self.steps.append({"step": name})
        self._began = now
        print(f"=== {name}", flush=True)

    def line(self, text: str) -> None:
        """A line of output."""
        if found := PROFILE.search(text):
            file = FILE.match(text)
            self.warned[found["kind"]].append(file["quoted"] or file["file"] if file else "")

    def told(self) -> dict[str, Any]:
        """All of it; the step that runs is no part of it."""
        files = {kind: {"lines": len(lines), "files": sorted({*lines} - {""})} for kind, lines in self.warned.items()}
        return {"steps": self.steps[:-1], "warnings": files}


def single(box: Box, watch: Watch, recipe: Recipe, jobs: int, source: Path, keep: Path | None) -> None:
    """Build by the official recipe."""
    Single(box, place(recipe.cell, recipe.optimize), jobs, watch.step, watch.line).run(source)
    if keep:
        keep.parent.mkdir(parents=True, exist_ok=True)
        beside = keep.with_suffix(".new")
        with beside.open("wb") as file:
            file.writelines(box.get(INSTALL))
        beside.replace(keep)


def ours(box: Box, watch: Watch, recipe: Recipe, jobs: int, sources: tuple[Path, ...], folder: Path) -> None:
    """Build by our own recipe."""
    Passes(box, recipe, jobs, watch.step, watch.line).run(sources, patch_texts(recipe.patches, None), folder / "tree.tar")
    watch.step("over")


def summary(halves: dict[str, dict[str, Any]], optimize: str) -> dict[str, Any]:
    """How many times as long ours takes, by the clock and in CPU seconds, and whether that is what it may."""
    sums: dict[str, dict[str, float | None]] = {}
    for name, half in halves.items():
        steps = [step for step in half["steps"] if step["step"] in COUNTED[name]]
        cpu = [step["cpu_seconds"] for step in steps]
        sums[name] = {"seconds": sum(step["seconds"] for step in steps), "cpu_seconds": None if None in cpu else sum(cpu)}

    def ratio(what: str) -> float | None:
        first, second = sums["ours"][what], sums["single"][what]
        return round(first / second, 3) if first and second else None

    times = ratio("seconds")
    return {
        **halves,
        "ratio": times,
        "cpu_ratio": ratio("cpu_seconds"),
        "most": MOST[optimize],
        "met": times is not None and times <= MOST[optimize],
    }


def anew(result: dict[str, Any]) -> dict[str, Any]:
    """A result with its ratios as they are now made of its steps."""
    return result | summary({name: result[name] for name in COUNTED}, result["optimize"])


def measured(cell: Cell, optimize: str, jobs: int, keep: Path | None, *, fresh: bool) -> dict[str, Any]:
    """Both halves, of this run or of one before that had the same recipes and as many jobs."""
    settings = Settings()
    recipe = compose(cell, Options(optimize=optimize), load_facts(), build_code())  # type: ignore[arg-type]
    file = halves_file(settings, recipe, jobs)
    known = {} if fresh else halves(file, keep)
    if not known:
        known = both(settings, recipe, jobs, keep)
        write(file, known)
        mark(file)
    return {MEASURED: stamped(file), **summary(known, optimize)}


def both(settings: Settings, recipe: Recipe, jobs: int, keep: Path | None) -> dict[str, Any]:
    """Measure both halves, one after the other."""
    cell, facts = recipe.cell, load_facts()
    known: dict[str, Any] = {}
    sources = tuple(fetch(one, settings, print) for one in (recipe.source, *(library.source for library in recipe.libraries)))
    engine = DockerEngine(require(settings).url)
    maker = ImageMaker(facts.distros[cell.distro], cell.arch, engine, settings, print)
    image = maker.with_packages("dual", tuple(sorted({*recipe.build_packages, *PACKAGES})))
    with tempfile.TemporaryDirectory(prefix="farm-dual-") as folder:
        builds: dict[str, Callable[[Box, Watch], None]] = {
            "single": lambda box, watch: single(box, watch, recipe, jobs, sources[0], keep),
            "ours": lambda box, watch: ours(box, watch, recipe, jobs, sources, Path(folder)),
        }
        for name, build in builds.items():
            print(f"### {name}: {cell}, {recipe.optimize}, {jobs} jobs", flush=True)
            with engine.box(BoxSpec(image, HOURS)) as box:
                watch = Watch(box)
                build(box, watch)
            known[name] = watch.told()
    return known


def halves_file(settings: Settings, recipe: Recipe, jobs: int) -> Path:
    """Where both halves of a run are kept: one file for what both recipes and the code that builds are now."""
    return settings.cache / "benchmarks" / f"dual-run-{digest_of([recipe.digest, RECIPE])[:16]}-{jobs}.json"


def halves(file: Path, keep: Path | None) -> dict[str, Any]:
    """Both halves of a run before; none when either is missing, or the single one's tree is wanted and was not kept."""
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    whole = known.keys() >= COUNTED.keys() and (keep is None or keep.exists())
    return {name: known[name] for name in COUNTED} if whole else {}


def main() -> int:
    """Measure, print, and write the JSON; 1 when the goal is not met."""
    parser = argparse.ArgumentParser(prog="benchmarks.dual")
    parser.add_argument("cell")
    parser.add_argument("--optimize", default="pgo+lto", choices=tuple(MOST))
    parser.add_argument("--jobs", type=int, default=Settings().make_jobs)
    parser.add_argument("--keep", action="store_true", help="keep the single build's tree for benchmarks.speed")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/dual.json"), help="what it has of others stays")
    options = parser.parse_args()
    cell = Cell.parse(options.cell)
    keep = kept_tree(Settings(), cell, options.optimize) if options.keep else None
    found = measured(cell, options.optimize, options.jobs, keep, fresh=options.fresh)
    result = {"cell": str(cell), "optimize": options.optimize, "jobs": options.jobs, **found}
    every = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    every = {name: anew(one) for name, one in every.items()} | {f"{cell} {options.optimize}": result}
    write(options.out, every, sort=True)
    print(json.dumps(result, indent=1))
    return not found["met"]


if __name__ == "__main__":
    end(main)
