"""How fast a published Python is beside the distro's own of the same series: the executable, and libpython in a program.

Usage: python -m benchmarks.speed CELL [--store ./store] [--rounds 5] [--only NAME…] [--fresh] [--out FILE]

All contestants run in one box. In a round all run a benchmark at once, and measure a value each in turns (see `Bench`); who is
first changes with the round, of which none is without the others. What all contestants did is written down at once: the same
command goes on where it was ended.

Where a module that one imports is another in the distro's library, it is named, and is no part of the means.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cells import chosen, fetched
from benchmarks.command import end
from benchmarks.goals import GROUPS
from benchmarks.library import COMPARE, imported
from benchmarks.official import INSTALL, kept_tree
from benchmarks.official import ROOT as SINGLE
from benchmarks.provenance import MEASURED, stamped, write
from benchmarks.ratios import Runs, asked, scripts, summary
from benchmarks.turns import BENCHMARKS, METHOD, SCRIPT, Bench, kept, kept_sizes, told, tools, tools_of
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.recipe import digest_of
from farm.settings import Settings
from farm.store.folder import FolderStore
from workers.build.image import ImageMaker
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import Box, BoxSpec, Limits
from workers.verify.probe import parcel
from workers.verify.unpack import tar_stream

if TYPE_CHECKING:
    from farm.store.artifact import Artifact

ROOT = "/work/python"
RESULTS = Path("benchmarks/results/speed.json")
DISTRO = ("python3", "python3-dev")
# Ten lines that embed Python, and are told nothing: what runs is libpython.
EMBEDDER = """#include <Python.h>
int main(int count, char **words)
{
    return Py_BytesMain(count, words);
}
"""


def differing(box: Box, files: dict[str, bytes], series: str, names: list[str]) -> dict[str, list[str]]:
    """The modules that a benchmark imports and that are others in the distro's library, by script; starts are left alone."""
    needs = {}
    for name in set(names) - set(GROUPS["start"]):
        folder, *words = BENCHMARKS[name]
        needs[name] = imported(files[f"site/{SCRIPT.format(folder=folder)}"].decode() if folder else words[0])
    modules = sorted({module for wanted in needs.values() for module in wanted})
    theirs, ours = f"/usr/lib/python{series}", f"{ROOT}/lib/python{series}"
    others = json.loads(told(box, f"/usr/bin/python{series}", "-c", COMPARE, ours, theirs, *modules).splitlines()[-1])
    found = {name: sorted(wanted & set(others)) for name, wanted in sorted(needs.items())}
    return {name: modules for name, modules in found.items() if modules}


def embedder(box: Box, config: str, prefix: str = "") -> str:
    """A program that embeds the libpython of a `python3-config`, which is found below a prefix that is not the system's."""
    program = f"/work/scratch/embeds{config.replace('/', '-')}"
    found = f"-Wl,-rpath,{prefix}/lib" if prefix else ""
    told(box, "sh", "-c", f"gcc -O2 -o {program} /work/scratch/main.c $({config} --embed --cflags --ldflags) {found}")
    return program


def contestants(box: Box, series: str, official: Path | None = None) -> dict[str, str]:
    """Who takes turns, by name; the official recipe's tree where `benchmarks.dual --keep` has left one."""
    box.put("/work/scratch", parcel({"main.c": EMBEDDER.encode()}))
    found = {
        "distro's executable": f"/usr/bin/python{series}",
        "executable": f"{ROOT}/bin/python{series}",
        "distro's libpython": embedder(box, f"/usr/bin/python{series}-config"),
        "libpython": embedder(box, f"{ROOT}/bin/python3-config", ROOT),
    }
    if official and official.exists():
        box.put("/work", parcel({}, [SINGLE.removeprefix("/work/")]))
        with official.open("rb") as tar:
            box.put(SINGLE, tar)
        found["official executable"] = f"{INSTALL}/bin/python{series}"
        found["official libpython"] = embedder(box, f"{INSTALL}/bin/python{series}-config", INSTALL)
    return found


def image_of(cell: Cell, engine: DockerEngine, settings: Settings, *more: str) -> str:
    """An image with what a build needs, what it runs with, the distro's own Python, and more packages."""
    facts = load_facts()
    recipe = compose(cell, Options(optimize="none"), facts, "")
    packages = {*recipe.build_packages, *recipe.required_packages, *DISTRO, *more}
    return ImageMaker(facts.distros[cell.distro], cell.arch, engine, settings, print).with_packages(
        "speed", tuple(sorted(packages))
    )


def conditions(image: str, official: Path, tools: tuple[str, ...]) -> str:
    """A digest of what runs of one figure have in common beside our build, as a part of the name of their file.

    It is of the image with the distro's Python, the official recipe's tree, if there is one, and what is run: the benchmarks,
    and the program that embeds.
    """
    tree = ""
    if official.exists():
        with official.open("rb") as tar:
            tree = hashlib.file_digest(tar, "sha256").hexdigest()
    return digest_of([image, tree, tools, BENCHMARKS, EMBEDDER])[:16]


def measured(artifact: Artifact, store: FolderStore, rounds: int, names: list[str], *, fresh: bool) -> dict[str, object]:
    """The summary of all runs, which version the distro has, and which benchmarks are in no mean and why."""
    settings, cell = Settings(), Cell.parse(artifact.build.cell)
    engine = DockerEngine(require(settings).url)
    image, official = image_of(cell, engine, settings), kept_tree(settings, cell, artifact.build.optimize)
    alike = conditions(engine.identity(image), official, tools_of(cell.python))
    file = settings.cache / "benchmarks" / f"{artifact.build.recipe[:16]}-{artifact.build_id}-{METHOD}-{alike}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    limits = Limits(deadline_s=24 * 3600, silent_s=24 * 3600)
    with engine.box(BoxSpec(image, limits)) as box, tempfile.TemporaryDirectory() as folder:
        files = tools(Path(folder), cell.python)
        box.put("/work", parcel(files, ["scratch"]))
        with tar_stream(fetched(store, artifact, "tar.gz", Path(folder))) as stream:
            box.put("/work", stream)
        series = f"{cell.python.major}.{cell.python.minor}"
        theirs = f"/usr/bin/python{series}"
        turns = contestants(box, series, official)
        version = told(box, theirs, "-c", "import platform; print(platform.python_version())").strip()
        others = differing(box, files, series, names)
        bench = Bench(box, turns, file, *(({}, {}) if fresh else (kept(file), kept_sizes(file))))
        bench.run(rounds, names)
    return {MEASURED: stamped(file), "method": METHOD, "distro": version, **told_of(bench.runs, rounds, names, others)}


def told_of(runs: Runs, rounds: int, names: list[str], others: dict[str, list[str]]) -> dict[str, object]:
    """What the JSON says of runs, of which there may be more than were asked for now."""
    chosen = asked(runs, rounds, names)
    where = scripts(chosen)
    differs = {name: others[script] for name, script in sorted(where.items()) if script in others}
    return {"differs": differs, **summary(chosen, rounds, {*differs, *GROUPS["start"]})}


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.speed")
    parser.add_argument("cell")
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(BENCHMARKS), choices=list(BENCHMARKS))
    parser.add_argument("--fresh", action="store_true", help="forget the runs that are written down")
    parser.add_argument("--optimize", default="pgo+lto")
    parser.add_argument("--out", type=Path, default=RESULTS, help="what it has of others stays")
    options = parser.parse_args()
    if set(options.only) != set(BENCHMARKS) and options.out == RESULTS:
        parser.error(f"the figures in {RESULTS} are of all benchmarks: give --only together with another --out")
    store = FolderStore(options.store)
    artifact = chosen(store, Cell.parse(options.cell), options.optimize)
    found = measured(artifact, store, options.rounds, options.only, fresh=options.fresh)
    what = {"cell": options.cell, "optimize": options.optimize, "build": artifact.build_id}
    result = {**what, "rounds": options.rounds, **found}
    known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    known = {name: one for name, one in known.items() if one.get("method") == METHOD}  # no page tells figures of two methods
    known[f"{options.cell} {options.optimize}"] = result
    write(options.out, known, sort=True)
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    end(main)
