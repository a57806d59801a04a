"""Builds and measures experiments."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cells import chosen, fetched
from benchmarks.dual import COUNTED
from benchmarks.goals import GROUPS
from benchmarks.ratios import summary
from benchmarks.speed import BENCHMARKS, EMBEDDER, Bench, embedder, image_of, kept, tools
from farm.plan.buildcode import build_code
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.recipe import digest_of
from farm.settings import Settings
from farm.store.folder import FolderStore
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import Box, BoxSpec, Limits
from workers.verify.probe import parcel
from workers.verify.unpack import tar_stream

if TYPE_CHECKING:
    from farm.store.artifact import Artifact

HERE = Path(__file__).parent
PLAIN = "plain"
TREES = "/work/trees"


def known() -> dict[str, str]:
    """What each experiment is about: the comment with which its file of facts begins, by name."""
    found = {}
    for folder in sorted(path for path in HERE.iterdir() if any(path.glob("*.toml"))):
        lines = next(iter(sorted(folder.glob("*.toml")))).read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
        found[folder.name] = " ".join(line.removeprefix("# ") for line in lines)
    return found


def store_of(settings: Settings, name: str) -> FolderStore:
    """Where what an experiment makes lies."""
    return FolderStore(settings.cache / "benchmarks" / "experiments" / name)


def build(cell: Cell, name: str, settings: Settings) -> None:
    """Have the farm build a cell with an experiment's facts, unless it did. Ends the benchmark when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        matrix = Path(folder) / "matrix.yaml"
        matrix.write_text(
            f'pythons: ["{cell.python}"]\ndistros: [{cell.distro}]\narches: [{cell.arch}]\noptimize: pgo+lto\nchannel: dev\n'
        )
        environment = os.environ | {"FARM_FACTS": str(HERE / name), "FARM_STORE": store_of(settings, name).name}
        done = subprocess.run([Path(sys.executable).with_name("farm"), "submit", matrix], env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"the experiment {name} was not built: farm submit ended with {done.returncode}")


def current(store: FolderStore, cell: Cell, name: str) -> Artifact:
    """The newest build of an experiment, or the plain one. Ends the benchmark when the recipe has changed since."""
    found = chosen(store, cell, "pgo+lto")
    facts = load_facts(None if name == PLAIN else HERE / name)
    if found.build.recipe != compose(cell, Options(optimize="pgo+lto"), facts, build_code()).digest:
        raise SystemExit(
            f"{name}: its build in {store.name} is of another recipe than today's: build it again (`--build`, or farm submit)"
        )
    return found


def second_link(artifact: Artifact) -> float:
    """What the second link takes of what the build took without it, as its own metadata says."""
    seconds = {step.step: step.seconds for step in artifact.steps if step.step in COUNTED["ours"]}
    link = seconds.pop("link static")
    return round(link / sum(seconds.values()), 3)


def pairs(names: list[str]) -> dict[str, tuple[str, str]]:
    """Who is compared with whom: each with the plain build."""
    return {f"{name}: {what}": (f"{name} {what}", f"{PLAIN} {what}") for name in names for what in ("executable", "libpython")}


def contestants(box: Box, trees: dict[str, tuple[FolderStore, Artifact]], folder: Path) -> dict[str, str]:
    """Each tree's executable, and its libpython in a program that embeds it."""
    box.put("/work/scratch", parcel({"main.c": EMBEDDER.encode()}))
    found = {}
    for name, (store, artifact) in trees.items():
        root = f"{TREES}/{name}"
        box.put("/work", parcel({}, [f"{root.removeprefix('/work/')}"]))
        with tar_stream(fetched(store, artifact, "tar.gz", folder)) as stream:
            box.put(root, stream)
        found[f"{name} executable"] = f"{root}/python/bin/python{artifact.build.series}"
        found[f"{name} libpython"] = embedder(box, f"{root}/python/bin/python3-config", f"{root}/python")
    return found


def measured(trees: dict[str, tuple[FolderStore, Artifact]], cell: Cell, rounds: int, scripts: list[str]) -> dict[str, Any]:
    """How many times as fast as the plain build each is. What was run before with the same builds is not run again."""
    settings = Settings()
    engine = DockerEngine(require(settings).url)
    builds = digest_of({name: (one.build.recipe, one.build_id) for name, (_, one) in trees.items()})
    file = settings.cache / "benchmarks" / f"experiments-{builds[:16]}.json"
    long = Limits(deadline_s=24 * 3600, silent_s=24 * 3600)
    with engine.box(BoxSpec(image_of(cell, engine, settings), long)) as box, tempfile.TemporaryDirectory() as folder:
        box.put("/work", parcel(tools(Path(folder)), ["scratch"]))
        bench = Bench(box, contestants(box, trees, Path(folder)), file, kept(file))
        bench.run(rounds, scripts)
    return summary(bench.runs, rounds, among=pairs([name for name in trees if name != PLAIN]))["pairs"]


def main() -> int:
    """Build, or measure and write the JSON."""
    about, settings = known(), Settings()
    parser = argparse.ArgumentParser(prog="benchmarks.experiments")
    parser.add_argument("cell")
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--only", nargs="*", default=list(about), choices=list(about))
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/experiments.json"))
    options = parser.parse_args()
    cell = Cell.parse(options.cell)
    if options.build:
        for name in options.only:
            build(cell, name, settings)
        return 0
    stores = {PLAIN: FolderStore(options.store)} | {name: store_of(settings, name) for name in options.only}
    trees = {name: (store, current(store, cell, name)) for name, store in stores.items()}
    scripts = [name for name in BENCHMARKS if name not in GROUPS["start"]]
    result = {
        "cell": options.cell,
        "rounds": options.rounds,
        "about": {name: about[name] for name in options.only},
        "second_link": {name: second_link(one) for name, (_, one) in trees.items()},
        "pairs": measured(trees, cell, options.rounds, scripts),
    }
    options.out.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(result["pairs"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
