"""Programs that run benchmarks in turns, round by round: what each took is kept, and goes on where it was ended.

The benchmarks are pyperformance's that need nothing but the standard library and do not measure the network or the disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.ratios import Runs, key
from farm.plan.scope import Span
from workers.engine.protocol import Box

if TYPE_CHECKING:
    from farm.plan.cell import Version

SITE = "/work/site"
METHOD = "short-values"  # part of the name of what is kept: runs of another way to measure are no part of these
SCRIPT = "pyperformance/data-files/benchmarks/bm_{folder}/run_benchmark.py"
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
# What else runs on a machine comes and goes many times in a second: of many short values, some are of when it was quiet.
_CALIBRATED = ("--processes=1", "--min-time=0.02", "--inherit-environ=PYTHONPATH,PYTHONHASHSEED")
SPAN, FEWEST, MOST = 0.8, 5, 40  # seconds of a process that measures, and how many values it measures at least and at most
Sizes = dict[str, tuple[int, int]]  # script to loops of a value and values of a process


@dataclass
class Bench:
    """A box with the contestants in it, and what they did so far, which is kept in a file."""

    box: Box
    contestants: dict[str, str]
    file: Path
    runs: Runs = field(default_factory=dict)
    sizes: Sizes = field(default_factory=dict)  # by script, kept beside the runs: they are the same in all rounds

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
        if name not in self.sizes:
            self.sizes[name] = size_of(self._said(name, next(iter(self.contestants)), *_CALIBRATED, "--values=3"))
            keep(sizes_file(self.file), self.sizes)
        loops, values = self.sizes[name]
        calibrated = ("--worker", f"--loops={loops}") if loops else _CALIBRATED
        return best(self._said(name, contestant, *calibrated, f"--values={values}"), name)

    def _said(self, name: str, contestant: str, *how: str) -> Any:  # noqa: ANN401 - JSON
        """What pyperf writes of one process that measures (and of another that finds out how many loops it needs)."""
        alike = ["--warmups=1", "--quiet", "--output=/work/scratch/out.json"]
        told(self.box, "rm", "-f", "/work/scratch/out.json")
        told(self.box, self.contestants[contestant], *words_of(name), *how, *alike)
        return json.loads(told(self.box, "cat", "/work/scratch/out.json"))


def words_of(name: str) -> list[str]:
    """What a Python is told so that it runs a benchmark: pyperformance's script or pyperf, and their arguments."""
    folder, *words = BENCHMARKS[name]
    return [*([f"{SITE}/{SCRIPT.format(folder=folder)}"] if folder else ["-m", "pyperf", "timeit", "--setup"]), *words]


def size_of(said: Any) -> tuple[int, int]:  # noqa: ANN401 - JSON
    """How many loops a value of a script's benchmark needs, and how many values fill SPAN.

    Loops are 0 when the script has several benchmarks, which need others each.
    """
    every = [{**said.get("metadata", {}), **one.get("metadata", {})} for one in said["benchmarks"]]
    loops = [int(one.get("loops", 1)) for one in every]
    seconds = sum(count * best_of(one) for count, one in zip(loops, said["benchmarks"], strict=True))
    return loops[0] if len(loops) == 1 else 0, max(FEWEST, min(MOST, round(SPAN / seconds)))


def best_of(benchmark: Any) -> float:  # noqa: ANN401 - JSON
    """The least seconds of a call in what pyperf says of a benchmark."""
    return min(value for run in benchmark["runs"] for value in run.get("values", ()))


def best(said: Any, script: str) -> dict[str, float]:  # noqa: ANN401 - JSON
    """The least seconds of every benchmark in pyperf's file; a script's only one is called as the script."""
    found = {}
    for one in said["benchmarks"]:
        name = {**said.get("metadata", {}), **one.get("metadata", {})}["name"]
        found[name] = best_of(one)
    return {script: next(iter(found.values()))} if len(found) == 1 else found


def kept(file: Path) -> Runs:
    """What was written down."""
    found: Runs = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def sizes_file(file: Path) -> Path:
    """Where it is kept how many loops and values the scripts of these runs have."""
    return file.with_suffix(".sizes.json")


def kept_sizes(file: Path) -> Sizes:
    """How many loops and values the scripts of these runs had so far."""
    found = json.loads(sizes_file(file).read_text(encoding="utf-8")) if sizes_file(file).exists() else {}
    return {name: (loops, values) for name, (loops, values) in found.items()}


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


class Tools(Span):
    """A row of tools.toml: what runs benchmarks of some Pythons, as pip is told."""

    names: tuple[str, ...]
    why: str
    link: str


TOOLS = tuple(
    Tools(**row) for row in tomllib.loads(Path(__file__).with_name("tools.toml").read_text(encoding="utf-8"))["tools"]
)


def tools_of(version: Version) -> tuple[str, ...]:
    """What runs the benchmarks of a Python."""
    numbers = (version.major, version.minor, version.patch)
    return next(row.names for row in TOOLS if row.spans(numbers))


def tools(folder: Path, version: Version) -> dict[str, bytes]:
    """pyperf and pyperformance from the package index, as files below `site`."""
    wanted = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", str(folder), *tools_of(version)]
    subprocess.run(wanted, check=True)
    found = {}
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            found |= {f"site/{name}": archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    return found
