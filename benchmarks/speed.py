"""How fast a published Python is beside the distro's own of the same series: the executable, and libpython in a program.

Usage: python -m benchmarks.speed CELL [--store ./store] [--rounds 5] [--only NAME…] [--fresh] [--out FILE]

All contestants run in one box, one after the other in each round, in an order that changes with it; a ratio is always of two
runs of the same round. Every run is written down at once: the same command goes on where it was ended.
The benchmarks are pyperformance's that need nothing but the standard library and do not measure the network or the disk.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ratios import summary
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.settings import Settings
from farm.store import catalog, keys
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
SITE = "/work/site"
DISTRO = ("python3", "python3-dev")
# pyperformance's folder (without bm_), then arguments
BENCHMARKS = {
    "async_tree": ("async_tree", "none"),
    "chaos": ("chaos",),
    "comprehensions": ("comprehensions",),
    "coroutines": ("coroutines",),
    "crypto_hashlib": ("", "import hashlib; data = bytes(65536)", "hashlib.sha256(data).digest()"),
    "decimal": ("telco",),
    "deepcopy": ("deepcopy",),
    "deltablue": ("deltablue",),
    "fannkuch": ("fannkuch",),
    "float": ("float",),
    "gc_traversal": ("gc_traversal",),
    "generators": ("generators",),
    "go": ("go",),
    "hexiom": ("hexiom",),
    "json_dumps": ("json_dumps",),
    "json_loads": ("json_loads",),
    "mdp": ("mdp",),
    "meteor_contest": ("meteor_contest",),
    "nbody": ("nbody",),
    "nqueens": ("nqueens",),
    "pickle": ("pickle", "pickle"),
    "pidigits": ("pidigits",),
    "pyflate": ("pyflate",),
    "raytrace": ("raytrace",),
    "regex_compile": ("regex_compile",),
    "regex_v8": ("regex_v8",),
    "richards": ("richards",),
    "scimark_fft": ("scimark", "fft"),
    "spectral_norm": ("spectral_norm",),
    "sqlite_synth": ("sqlite_synth",),
    "unpickle": ("pickle", "unpickle"),
    "xml_etree_parse": ("xml_etree", "parse"),
    "zlib": ("", "import zlib; data = bytes(range(256)) * 256", "zlib.decompress(zlib.compress(data))"),
    "start": ("", "import subprocess, sys", "subprocess.run([sys.executable, '-c', 'pass'])"),
    "start_bare": ("", "import subprocess, sys", "subprocess.run([sys.executable, '-I', '-S', '-c', 'pass'])"),
    "start_imports": ("", "import subprocess, sys", "subprocess.run([sys.executable, '-c', 'import asyncio, ssl'])"),
}
# Ten lines that embed Python, and are told nothing: what runs is libpython.
EMBEDDER = """#include <Python.h>
int main(int count, char **words)
{
    return Py_BytesMain(count, words);
}
"""


@dataclass
class Bench:
    """A box with the contestants in it, and what they did so far: (round, benchmark, contestant) to seconds."""

    box: Box
    contestants: dict[str, str]
    file: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, rounds: int, names: list[str]) -> None:
        """Run what is not written down yet."""
        for at in range(rounds):
            for name in names:
                order = list(self.contestants)
                for contestant in order[at % len(order) :] + order[: at % len(order)]:
                    key = f"{at} {name} {contestant}"
                    if key not in self.seconds:
                        self.seconds[key] = self._once(name, contestant)
                        self.file.write_text(json.dumps(self.seconds, indent=0) + "\n", encoding="utf-8")
                print(f"round {at + 1} of {rounds}: {name}", flush=True)

    def _once(self, name: str, contestant: str) -> float:
        """Seconds of one call, the best of what one process measures."""
        folder, *words = BENCHMARKS[name]
        python = self.contestants[contestant]
        alike = ["--processes=1", "--warmups=1", "--values=5", "--min-time=0.05", "--inherit-environ=PYTHONPATH", "--quiet"]
        script = [f"{SITE}/pyperformance/data-files/benchmarks/bm_{folder}/run_benchmark.py", *words]
        timed = ["-m", "pyperf", "timeit", "--setup", *words]
        command = [python, *(script if folder else timed), *alike, "--output=/work/scratch/out.json"]
        told(self.box, "rm", "-f", "/work/scratch/out.json")
        told(self.box, *command)
        said = json.loads(told(self.box, "cat", "/work/scratch/out.json"))
        values = [value for one in said["benchmarks"] for run in one["runs"] for value in run.get("values", ())]
        return min(values)


def told(box: Box, *argv: str) -> str:
    """The output of a command. Ends the benchmark when it fails."""
    done = box.run(argv, env={"PYTHONPATH": SITE, "PYTHONDONTWRITEBYTECODE": "1"}, user="1000:1000")
    if not done.ok:
        raise SystemExit(f"{' '.join(argv)[:200]} failed:\n{done.output[-2000:]}")
    return done.output


def tools(folder: Path) -> dict[str, bytes]:
    """pyperf and pyperformance from the package index, as files below `site`."""
    wanted = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", str(folder), "pyperf", "pyperformance"]
    subprocess.run(wanted, check=True)
    found = {}
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            found |= {f"site/{name}": archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    return found


def embedders(box: Box, series: str) -> dict[str, str]:
    """Both programs that embed, by contestant."""
    box.put("/work/scratch", parcel({"main.c": EMBEDDER.encode()}))
    made = {}
    for name, config in (
        ("distro's libpython", f"/usr/bin/python{series}-config"),
        ("libpython", f"{ROOT}/bin/python3-config"),
    ):
        program = f"/work/scratch/{name.replace(' ', '-').replace(chr(39), '')}"
        ours = f"-Wl,-rpath,{ROOT}/lib" if config.startswith(ROOT) else ""
        line = f"gcc -O2 -o {program} /work/scratch/main.c $({config} --embed --cflags --ldflags) {ours}"
        told(box, "sh", "-c", line)
        made[name] = program
    return made


def chosen(store: FolderStore, cell: Cell, optimize: str) -> Artifact:
    """The newest build of a cell with that optimisation. Ends the benchmark when there is none."""
    builds = [catalog.artifact(store, build) for build in catalog.published(store, cell)]
    found = next((one for one in reversed(builds) if one.build.optimize == optimize), None)
    if found is None:
        raise SystemExit(f"{cell} is not published in {store.name} with {optimize}")
    return found


def image_of(cell: Cell, engine: DockerEngine, settings: Settings) -> str:
    """An image with what a build needs, what it runs with, and the distro's own Python."""
    facts = load_facts()
    recipe = compose(cell, Options(optimize="none"), facts, "")
    packages = {*recipe.build_packages, *recipe.required_packages, *DISTRO}
    return ImageMaker(facts.distros[cell.distro], cell.arch, engine, settings, print).with_packages(
        "speed", tuple(sorted(packages))
    )


def measured(artifact: Artifact, store: FolderStore, rounds: int, names: list[str], *, fresh: bool) -> dict[str, object]:
    """The summary of all runs, and which version the distro has."""
    settings, cell = Settings(), Cell.parse(artifact.build.cell)
    runs = settings.cache / "benchmarks" / f"{artifact.build.recipe[:16]}-{artifact.build_id}.json"
    runs.parent.mkdir(parents=True, exist_ok=True)
    known = {} if fresh or not runs.exists() else json.loads(runs.read_text(encoding="utf-8"))
    engine = DockerEngine(require(settings).url)
    limits = Limits(deadline_s=24 * 3600, silent_s=24 * 3600)
    with engine.box(BoxSpec(image_of(cell, engine, settings), limits)) as box, tempfile.TemporaryDirectory() as folder:
        box.put("/work", parcel(tools(Path(folder)), ["scratch"]))
        archive = artifact.archive("install_only", "tar.gz")
        store.fetch(f"{keys.artifact_folder(cell, artifact.build_id)}/{archive.name}", Path(folder, archive.name))
        with tar_stream(Path(folder, archive.name)) as stream:
            box.put("/work", stream)
        series = f"{cell.python.major}.{cell.python.minor}"
        theirs = f"/usr/bin/python{series}"
        contestants = {"distro's executable": theirs, "executable": f"{ROOT}/bin/python{series}", **embedders(box, series)}
        version = told(box, theirs, "-c", "import platform; print(platform.python_version())").strip()
        bench = Bench(box, contestants, runs, known)
        bench.run(rounds, names)
    return {"distro": version, **summary(bench.seconds, rounds, names)}


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.speed")
    parser.add_argument("cell")
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(BENCHMARKS))
    parser.add_argument("--fresh", action="store_true", help="forget the runs that are written down")
    parser.add_argument("--optimize", default="pgo+lto")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/speed.json"), help="what it has of others stays")
    options = parser.parse_args()
    store = FolderStore(options.store)
    artifact = chosen(store, Cell.parse(options.cell), options.optimize)
    found = measured(artifact, store, options.rounds, options.only, fresh=options.fresh)
    result = {"cell": options.cell, "optimize": options.optimize, "rounds": options.rounds, **found}
    known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    known[f"{options.cell} {options.optimize}"] = result
    options.out.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
