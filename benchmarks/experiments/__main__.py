"""Builds and measures experiments.

Usage: python -m benchmarks.experiments CELL [--only NAME…] [--rounds 5] [--count BENCHMARK…] [--out FILE]

Trees that were built are kept, and so is every run of a benchmark and what was counted: the same command goes on where it was
ended. What a machine's noise hides, callgrind counts: the instructions of a loop of the benchmarks in `--count`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.command import end
from benchmarks.dual import OF_OTHER_CODE
from benchmarks.experiments.measure import Laboratory
from benchmarks.experiments.relink import HERE, PARTS, PLAIN, Shelf
from benchmarks.goals import GROUPS
from benchmarks.instructions import DEFAULT
from benchmarks.provenance import MEASURED, stamped, write
from benchmarks.ratios import summary
from benchmarks.turns import BENCHMARKS, METHOD
from farm.errors import BadInput
from farm.plan.buildcode import build_code
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.settings import Settings
from workers.engine.docker import DockerEngine
from workers.engine.host import require

if TYPE_CHECKING:
    from benchmarks.experiments.measure import Counts
    from farm.plan.recipe import Recipe

_UNREAD = "PGO_PROF_USE_FLAG=-fno-"  # make's word with which no profile is read
_NEEDS = re.compile(r"^# needs: (?P<packages>.+)$", re.MULTILINE)


def known() -> dict[str, str]:
    """What each experiment is about: the comment with which its file of facts begins, by name."""
    found = {}
    for folder in sorted(path for path in HERE.iterdir() if any(path.rglob("*.toml"))):
        head = next(iter(sorted(folder.rglob("*.toml")))).read_text(encoding="utf-8").partition("\n\n")[0]
        found[folder.name] = " ".join(line.removeprefix("# ") for line in _NEEDS.sub("", head).splitlines() if line)
    return found


def needs() -> list[str]:
    """Packages that experiments need beside those of a build: lines `# needs: PACKAGE…` in their files.

    The image has those of all, so that a tree is made in the same one whatever else is asked for.
    """
    paths = [path for name in known() for path in sorted((HERE / name).rglob("*.*")) if path.is_file()]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return sorted({package for text in texts for found in _NEEDS.finditer(text) for package in found["packages"].split()})


def recipes(cell: Cell, names: list[str]) -> dict[str, Recipe]:
    """The plain recipe and those of the experiments, by name.

    Raises BadInput for a cell of which one changes nothing, or with libraries of our own.
    """
    options = Options(optimize="pgo+lto")
    found = {
        name: compose(cell, options, load_facts(None if name == PLAIN else HERE / name), build_code())
        for name in (PLAIN, *names)
    }
    if same := [name for name in names if changes_nothing(found[name], found[PLAIN])]:
        raise BadInput(f"{', '.join(same)} changes nothing of {cell}", hint="take another cell, e.g. of another series")
    if libraries := [library.name for library in found[PLAIN].libraries]:
        raise BadInput(
            f"{cell} has {', '.join(libraries)} of our own, which experiments do not build", hint="take another cell"
        )
    return found


def changes_nothing(recipe: Recipe, plain: Recipe) -> bool:
    """Whether a build would be the plain one, whatever its image has besides."""
    return replace(recipe, build_packages=plain.build_packages) == plain


def chosen(cell: Cell, names: list[str]) -> list[str]:
    """The experiments that are named; without names all that change something of the cell."""
    options, code = Options(optimize="pgo+lto"), build_code()
    plain = compose(cell, options, load_facts(), code)
    every = (name for name in known() if not changes_nothing(compose(cell, options, load_facts(HERE / name), code), plain))
    return names or list(every)


def pairs(names: list[str]) -> dict[str, tuple[str, str]]:
    """Who is compared with whom: each with the plain build."""
    return {f"{name}: {part}": (f"{name} {part}", f"{PLAIN} {part}") for name in names for part in PARTS}


def figures(shelf: Shelf, name: str, pairs_of: dict[str, Any], counted: Counts) -> dict[str, Any]:
    """What one experiment is beside the plain build, and of which: speed, instructions, second link, what did not fit."""
    builds = {one: shelf.told(one) for one in (PLAIN, name)}
    links = {one: step["cpu_seconds"] for one in builds for step in builds[one]["steps"] if step["step"] == "link static"}
    both = [benchmark for benchmark in counted[PLAIN] if benchmark in counted[name]]
    return {
        **{part: pairs_of[f"{name}: {part}"] for part in PARTS},
        "instructions": {
            one: {part: round(counted[name][one][part] / counted[PLAIN][one][part], 4) for part in PARTS} for one in both
        },
        "second_link": round(links[name] / links[PLAIN], 3),
        "profile": profile(shelf, name),
        "mismatches": sum(builds[name]["warnings"].get(kind, {"lines": 0})["lines"] for kind in OF_OTHER_CODE),
        "plain": shelf.recipes[PLAIN].digest[:16],
    }


def profile(shelf: Shelf, name: str) -> str:
    """Whose profile it is compiled from, as the page says it."""
    if any(word.startswith(_UNREAD) for word in shelf.recipes[name].make):
        return "none"
    return "the same" if shelf.trained_as(name) == PLAIN else "its own"


def rows(known_rows: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The rows of a cell: new ones, and older ones of the same plain build and method, and of an experiment that there is."""
    alike = {(one["plain"], one["method"]) for one in new.values()}
    kept = {name: one for name, one in known_rows.items() if (one["plain"], one.get("method")) in alike and name in known()}
    return {**kept, **{name: {**one, "about": known()[name]} for name, one in new.items()}}


def main() -> int:
    """Build what is not built, measure, and write the JSON."""
    options = asked_for(sys.argv[1:])
    cell = Cell.parse(options.cell)
    options.only = chosen(cell, options.only)
    scripts = options.scripts or [name for name in BENCHMARKS if name not in GROUPS["start"]]
    found = recipes(cell, options.only)
    packages = {package for recipe in found.values() for package in recipe.build_packages} | {*needs()}
    settings = Settings()
    laboratory = Laboratory(cell, DockerEngine(require(settings).url), settings, tuple(sorted(packages)))
    shelf = laboratory.shelf(found)
    runs = laboratory.timed(shelf, options.rounds, scripts)
    counted = laboratory.counted(shelf, options.count)
    if not options.rounds:
        print(
            f"built and kept: {', '.join(found)}; counted and kept: {', '.join(options.count) or 'nothing'}; nothing was timed"
        )
        return 0
    pairs_of = summary(runs, options.rounds, among=pairs(options.only))["pairs"]
    measured = {MEASURED: stamped(laboratory.runs_file(shelf)), "method": METHOD, "rounds": options.rounds, "scripts": scripts}
    new = {name: {**figures(shelf, name, pairs_of, counted), **measured} for name in options.only}
    every = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    before = every.get(options.cell, {})
    every[options.cell] = rows(before, new)
    for name in sorted(set(before) - set(every[options.cell])):
        print(f"{name} is dropped: it was compared with another build than this one; --only {name} measures it anew")
    write(options.out, every, sort=True)
    for name, one in new.items():
        print(f"{name}: " + ", ".join(f"{part} {one[part]['mean']}" for part in PARTS))
    return 0


def asked_for(words: list[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="benchmarks.experiments")
    parser.add_argument("cell")
    parser.add_argument("--only", nargs="*", default=[], choices=list(known()), help="without it all that change the cell")
    parser.add_argument("--rounds", type=int, default=5, help="0 builds, and counts, and times nothing")
    parser.add_argument("--scripts", nargs="*", choices=list(BENCHMARKS), help="benchmarks; without it all but starts")
    parser.add_argument("--count", nargs="*", default=[], choices=list(DEFAULT), help="benchmarks to count instructions of")
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/experiments.json"), help="what it has of others stays"
    )
    options = parser.parse_args(words)
    if options.rounds < 0:
        parser.error("--rounds is 1 or more, or 0: then nothing is timed")
    return options


if __name__ == "__main__":
    end(main)
