"""Builds and measures experiments.

Usage: python -m benchmarks.experiments CELL [--only NAME…] [--rounds 3] [--count BENCHMARK…] [--out FILE]

Trees that were built are kept, and so is every run of a benchmark: the same command goes on where it was ended. What a
machine's noise hides, callgrind counts: the instructions of a loop of the benchmarks in `--count`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.experiments.relink import HERE, PLAIN, TREES, Shelf
from benchmarks.goals import GROUPS
from benchmarks.instructions import DEFAULT
from benchmarks.instructions import told as told_of
from benchmarks.ratios import asked, summary
from benchmarks.speed import BENCHMARKS, EMBEDDER, Bench, image_of, kept, told, tools
from farm.plan.buildcode import build_code
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.recipe import digest_of
from farm.settings import Settings
from workers.build.sources import fetch
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import Box, BoxSpec, Limits
from workers.verify.probe import parcel

if TYPE_CHECKING:
    from farm.plan.recipe import Recipe

_LONG = Limits(deadline_s=24 * 3600, step_s=8 * 3600, silent_s=4 * 3600)
_NEEDS = re.compile(r"^# needs: (?P<packages>.+)$", re.MULTILINE)


def known() -> dict[str, str]:
    """What each experiment is about: the comment with which its file of facts begins, by name."""
    found = {}
    for folder in sorted(path for path in HERE.iterdir() if any(path.glob("*.toml"))):
        head = next(iter(sorted(folder.glob("*.toml")))).read_text(encoding="utf-8").partition("\n\n")[0]
        found[folder.name] = " ".join(line.removeprefix("# ") for line in _NEEDS.sub("", head).splitlines() if line)
    return found


def needs(names: list[str]) -> list[str]:
    """Packages that they need beside those of a build: a line `# needs: PACKAGE…` in any of their files."""
    texts = [path.read_text(encoding="utf-8") for name in names if name != PLAIN for path in sorted((HERE / name).iterdir())]
    return sorted({package for text in texts for found in _NEEDS.finditer(text) for package in found["packages"].split()})


def recipes(cell: Cell, names: list[str]) -> dict[str, Recipe]:
    """The plain recipe and those of the experiments, by name. Ends the benchmark for a cell with libraries of our own."""
    options = Options(optimize="pgo+lto")
    found = {
        name: compose(cell, options, load_facts(None if name == PLAIN else HERE / name), build_code())
        for name in (PLAIN, *names)
    }
    if libraries := [library.name for library in found[PLAIN].libraries]:
        raise SystemExit(f"{cell} has {', '.join(libraries)} of our own, which experiments do not build: take another cell")
    return found


def pairs(names: list[str]) -> dict[str, tuple[str, str]]:
    """Who is compared with whom: each with the plain build."""
    return {f"{name}: {what}": (f"{name} {what}", f"{PLAIN} {what}") for name in names for what in ("executable", "libpython")}


def contestants(box: Box, found: dict[str, Recipe]) -> dict[str, str]:
    """Each tree's executable, and its libpython in a program that embeds it."""
    box.put("/work/scratch", parcel({"main.c": EMBEDDER.encode()}))
    turns = {}
    for name, recipe in found.items():
        root, layout = f"{TREES}/{name}", recipe.layout
        turns[f"{name} executable"] = f"{root}/bin/{layout.executable}"
        turns[f"{name} libpython"] = program = f"/work/scratch/embeds-{name}"
        words = ["-I", f"{root}/include/{layout.lib}", "-L", f"{root}/lib", f"-Wl,-rpath,{root}/lib", f"-l{layout.lib}"]
        told(box, "gcc", "-O2", "-o", program, "/work/scratch/main.c", *words)
    return turns


def measured(cell: Cell, found: dict[str, Recipe], rounds: int, scripts: list[str], counts: list[str]) -> dict[str, Any]:
    """`figures` of each, by name."""
    settings = Settings()
    engine = DockerEngine(require(settings).url)
    packages = sorted({package for recipe in found.values() for package in recipe.build_packages} | {*needs(list(found))})
    image = image_of(cell, engine, settings, *packages)
    shelf = Shelf(settings.cache / "benchmarks" / "experiments", found, engine.identity(image))
    file = shelf.folder / f"experiments-{digest_of(sorted(str(shelf.file(name)) for name in found))[:16]}.json"
    with engine.box(BoxSpec(image, _LONG)) as box, tempfile.TemporaryDirectory() as folder:
        shelf.trees(box, (fetch(found[PLAIN].source, settings, print),), settings.make_jobs)
        box.put("/work", parcel(tools(Path(folder)), ["scratch"]))
        bench = Bench(box, contestants(box, found), file, kept(file))
        bench.run(rounds, scripts)
    image = image_of(cell, engine, settings, *packages, "valgrind")
    with engine.box(BoxSpec(image, _LONG)) as box, tempfile.TemporaryDirectory() as folder:
        shelf.trees(box, (), settings.make_jobs)
        box.put("/work", parcel(tools(Path(folder)), ["scratch"]))
        counted = told_of(box, contestants(box, found), {name: DEFAULT[name] for name in counts})
    pairs_of = summary(asked(bench.runs, rounds, scripts), rounds, among=pairs([name for name in found if name != PLAIN]))[
        "pairs"
    ]
    return {
        name: {**figures(shelf, name, pairs_of, counted), "rounds": rounds, "scripts": scripts}
        for name in found
        if name != PLAIN
    }


def figures(shelf: Shelf, name: str, pairs_of: dict[str, Any], counted: dict[str, Any]) -> dict[str, Any]:
    """What one experiment is beside the plain build: speed, instructions, second link, its profile, what did not fit in it."""
    builds = {one: shelf.told(one) for one in (PLAIN, name)}
    links = {one: step["seconds"] for one in builds for step in builds[one]["steps"] if step["step"] == "link static"}
    return {
        "executable": pairs_of[f"{name}: executable"],
        "libpython": pairs_of[f"{name}: libpython"],
        "instructions": {
            benchmark: {what: _instructions(one, name, what) for what in ("executable", "libpython")}
            for benchmark, one in counted.items()
        },
        "second_link": round(links[name] / links[PLAIN], 3),
        "own_training": shelf.trained_as(name) != PLAIN,
        "mismatches": builds[name]["warnings"]["coverage-mismatch"]["lines"],
    }


def _instructions(of: dict[str, Any], name: str, what: str) -> float:
    return round(of[f"{name} {what}"]["instructions"] / of[f"{PLAIN} {what}"]["instructions"], 4)


def main() -> int:
    """Build what is not built, measure, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.experiments")
    parser.add_argument("cell")
    parser.add_argument("--only", nargs="*", default=list(known()), choices=list(known()))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scripts", nargs="*", choices=list(BENCHMARKS), help="benchmarks; without it all but starts")
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/experiments.json"), help="what it has of others stays"
    )
    options = parser.parse_args()
    cell = Cell.parse(options.cell)
    scripts = options.scripts or [name for name in BENCHMARKS if name not in GROUPS["start"]]
    found = recipes(cell, options.only)
    about = known()
    result = measured(cell, found, options.rounds, scripts, options.count)
    every = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    every[options.cell] = {**every.get(options.cell, {}), **{name: {"about": about[name], **result[name]} for name in result}}
    options.out.write_text(json.dumps(every, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(
        json.dumps(
            {name: [one[what]["mean"] for what in ("executable", "libpython")] for name, one in result.items()}, indent=1
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
