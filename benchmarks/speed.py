"""How fast a published Python is beside the distro's own of the same series: the executable, and libpython in a program.

Usage: python -m benchmarks.speed CELL [--store ./store] [--rounds 9] [--only NAME…] [--fresh] [--out FILE]

All contestants run in one box, one after the other in each round, in an order that changes with it; of a round none is without
the others, and of many rounds the fastest quarter counts. What all contestants did is written down at once: the same command
goes on where it was ended.
The benchmarks are pyperformance's that need nothing but the standard library and do not measure the network or the disk.
Where a module that one imports is another in the distro's library, it is named, and is no part of the means.
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
from typing import TYPE_CHECKING, Any

from benchmarks.cells import chosen, fetched
from benchmarks.command import end
from benchmarks.goals import GROUPS
from benchmarks.library import COMPARE, imported
from benchmarks.official import INSTALL, kept_tree
from benchmarks.official import ROOT as SINGLE
from benchmarks.ratios import Runs, asked, key, scripts, summary
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
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
SITE = "/work/site"
METHOD = "one process"  # part of the name of what is kept: runs of another way to measure are no part of these
TOOLS = ("pyperf==2.11.0", "pyperformance==1.14.0")  # one set of benchmarks, also when the runs are of several days
SCRIPT = "pyperformance/data-files/benchmarks/bm_{folder}/run_benchmark.py"
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


_CALIBRATED = ("--processes=1", "--min-time=0.05", "--inherit-environ=PYTHONPATH,PYTHONHASHSEED")


@dataclass
class Bench:
    """A box with the contestants in it, and what they did so far, which is kept in a file."""

    box: Box
    contestants: dict[str, str]
    file: Path
    runs: Runs = field(default_factory=dict)
    loops: dict[str, int] = field(default_factory=dict)  # by script, kept beside the runs: they are the same in all rounds

    def run(self, rounds: int, names: list[str]) -> None:
        """Run what is not written down yet; never some contestants of a round without the others."""
        for at in range(rounds):
            for name in names:
                order = list(self.contestants)
                if any(key(at, name, contestant) not in self.runs for contestant in order):
                    turns = order[at % len(order) :] + order[: at % len(order)]
                    self.runs |= {key(at, name, contestant): self._once(name, contestant) for contestant in turns}
                    keep(self.file, self.runs)
                print(f"round {at + 1} of {rounds}: {name}", flush=True)

    def _once(self, name: str, contestant: str) -> dict[str, float]:
        """Seconds of one call by benchmark, the best of what one process measures; all hash alike, in every round."""
        if name not in self.loops:
            self.loops[name] = loops_of(self._said(name, next(iter(self.contestants)), *_CALIBRATED))
            keep(loops_file(self.file), self.loops)
        calibrated = ("--worker", f"--loops={self.loops[name]}") if self.loops[name] else _CALIBRATED
        return best(self._said(name, contestant, *calibrated), name)

    def _said(self, name: str, contestant: str, *how: str) -> Any:  # noqa: ANN401 - JSON
        """What pyperf writes of one process that measures (and of another that finds out how many loops it needs)."""
        folder, *words = BENCHMARKS[name]
        script = [f"{SITE}/{SCRIPT.format(folder=folder)}"] if folder else ["-m", "pyperf", "timeit", "--setup"]
        alike = ["--warmups=1", "--values=3", "--quiet", "--output=/work/scratch/out.json"]
        told(self.box, "rm", "-f", "/work/scratch/out.json")
        told(self.box, self.contestants[contestant], *script, *words, *how, *alike)
        return json.loads(told(self.box, "cat", "/work/scratch/out.json"))


def loops_of(said: Any) -> int:  # noqa: ANN401 - JSON
    """How many loops of a script's benchmark take long enough to be timed; 0 when it has several, which need others each."""
    found = said["benchmarks"]
    return int(said.get("metadata", {}).get("loops", 0)) if len(found) == 1 else 0


def best(said: Any, script: str) -> dict[str, float]:  # noqa: ANN401 - JSON
    """The least seconds of every benchmark in pyperf's file; a script's only one is called as the script."""
    found = {}
    for one in said["benchmarks"]:
        name = {**said.get("metadata", {}), **one.get("metadata", {})}["name"]
        found[name] = min(value for run in one["runs"] for value in run.get("values", ()))
    return {script: next(iter(found.values()))} if len(found) == 1 else found


def kept(file: Path) -> Runs:
    """What was written down; runs of when the benchmarks of a script were not told apart are made again."""
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {name: run for name, run in found.items() if isinstance(run, dict)}


def loops_file(file: Path) -> Path:
    """Where it is kept how many loops the scripts of these runs do."""
    return file.with_suffix(".loops.json")


def kept_loops(file: Path) -> dict[str, int]:
    """How many loops the scripts of these runs did so far."""
    found: dict[str, int] = json.loads(loops_file(file).read_text(encoding="utf-8")) if loops_file(file).exists() else {}
    return found


def keep(file: Path, runs: dict[str, Any]) -> None:
    """Write it down, whole or not at all."""
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(runs, indent=0) + "\n", encoding="utf-8")
    beside.replace(file)


def told(box: Box, *argv: str) -> str:
    """The output of a command. Ends the benchmark when it fails."""
    environment = {"PYTHONPATH": SITE, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    done = box.run(argv, env=environment, user="1000:1000")
    if not done.ok:
        raise SystemExit(f"{' '.join(argv)[:200]} failed:\n{done.output[-2000:]}")
    return done.output


def tools(folder: Path) -> dict[str, bytes]:
    """pyperf and pyperformance from the package index, as files below `site`."""
    wanted = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", str(folder), *TOOLS]
    subprocess.run(wanted, check=True)
    found = {}
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            found |= {f"site/{name}": archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    return found


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


def measured(artifact: Artifact, store: FolderStore, rounds: int, names: list[str], *, fresh: bool) -> dict[str, object]:
    """The summary of all runs, which version the distro has, and which benchmarks are in no mean and why."""
    settings, cell = Settings(), Cell.parse(artifact.build.cell)
    file = settings.cache / "benchmarks" / f"{artifact.build.recipe[:16]}-{artifact.build_id}-{METHOD}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = DockerEngine(require(settings).url)
    limits = Limits(deadline_s=24 * 3600, silent_s=24 * 3600)
    with engine.box(BoxSpec(image_of(cell, engine, settings), limits)) as box, tempfile.TemporaryDirectory() as folder:
        files = tools(Path(folder))
        box.put("/work", parcel(files, ["scratch"]))
        with tar_stream(fetched(store, artifact, "tar.gz", Path(folder))) as stream:
            box.put("/work", stream)
        series = f"{cell.python.major}.{cell.python.minor}"
        theirs = f"/usr/bin/python{series}"
        turns = contestants(box, series, kept_tree(settings, cell, artifact.build.optimize))
        version = told(box, theirs, "-c", "import platform; print(platform.python_version())").strip()
        others = differing(box, files, series, names)
        bench = Bench(box, turns, file, *(({}, {}) if fresh else (kept(file), kept_loops(file))))
        bench.run(rounds, names)
    return {"distro": version, **told_of(bench.runs, rounds, names, others)}


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
    parser.add_argument("--rounds", type=int, default=9)
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
    end(main)
