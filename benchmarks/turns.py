"""Programs that run benchmarks in turns, round by round: what each took is kept, and goes on where it was ended.

The benchmarks are pyperformance's that need nothing but the standard library and do not measure the network or the disk.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.provenance import mark, write
from benchmarks.ratios import Runs, key
from farm.plan.scope import Span
from workers.engine.protocol import Box

if TYPE_CHECKING:
    from farm.plan.cell import Version

SITE = "/work/site"
INSIDE = "inside"  # what runs in the box, in a folder of this name here and there
METHOD = "turns"  # part of the name of what is kept: runs of another way to measure are no part of these
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
# How many loops a value needs is found out once: a value takes about 20 ms or more.
_CALIBRATED = ("--processes=1", "--min-time=0.02", "--inherit-environ=PYTHONPATH,PYTHONHASHSEED", "--values=3")
SPAN, FEWEST, MOST = 0.8, 3, 40  # seconds of values of a process, and how many it has at least and at most
Sizes = dict[str, dict[str, tuple[int, int]]]  # script to benchmark to loops of a value and values of a process
_TURNS = "/work/scratch/turns"
_CONDUCTOR = ("/usr/bin/python3", "-I", f"{SITE}/{INSIDE}/conduct.py", _TURNS)


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
                if any(key(at, name, contestant) not in self.runs for contestant in self.contestants):
                    order = random.Random(f"{at} {name}").sample(list(self.contestants), len(self.contestants))
                    self.runs |= {key(at, name, who): took for who, took in self._round(name, order).items()}
                    write(self.file, self.runs)
                    mark(self.file)
                print(f"round {at + 1} of {rounds}: {name}", flush=True)

    def _round(self, name: str, order: list[str]) -> dict[str, dict[str, list[float]]]:
        """By contestant and benchmark the seconds of a call, a value in each turn; all hash alike, in every round."""
        if name not in self.sizes:
            self.sizes[name] = sizes_of(self._calibrated(name), name)
            write(sizes_file(self.file), self.sizes)
        took: dict[str, dict[str, list[float]]] = {who: {} for who in order}
        for task, (benchmark, (loops, values)) in enumerate(self.sizes[name].items()):
            how = ("--worker", f"--worker-task={task}", f"--loops={loops}", f"--values={1 + values + 1}", "--hook=turns")
            for who, found in zip(order, self._in_turns(name, order, how), strict=True):
                took[who][benchmark] = found
        return took

    def _calibrated(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """What pyperf writes of the first contestant, by itself."""
        told(self.box, "rm", "-f", "/work/scratch/out.json")
        told(self.box, *self._command(name, next(iter(self.contestants)), *_CALIBRATED), "--output=/work/scratch/out.json")
        return json.loads(told(self.box, "cat", "/work/scratch/out.json"))

    def _in_turns(self, name: str, order: list[str], how: tuple[str, ...]) -> list[list[float]]:
        """The values of each but the first and the last, during which others still begin or already end."""
        told(self.box, "rm", "-rf", _TURNS)
        told(self.box, "mkdir", _TURNS)
        told(self.box, *_CONDUCTOR, json.dumps([self._command(name, who, *how) for who in order]))
        return [values_of(json.loads(told(self.box, "cat", f"{_TURNS}/{at}.json")))[1:-1] for at in range(len(order))]

    def _command(self, name: str, contestant: str, *how: str) -> list[str]:
        return [self.contestants[contestant], *words_of(name), *how, "--warmups=1", "--quiet"]


def words_of(name: str) -> list[str]:
    """What a Python is told so that it runs a benchmark: pyperformance's script or pyperf, and their arguments."""
    folder, *words = BENCHMARKS[name]
    return [*([f"{SITE}/{SCRIPT.format(folder=folder)}"] if folder else ["-m", "pyperf", "timeit", "--setup"]), *words]


def sizes_of(said: Any, script: str) -> dict[str, tuple[int, int]]:  # noqa: ANN401 - JSON
    """How many loops a value of each benchmark needs, and how many values fill SPAN; a script's only one is called as it."""
    found = {}
    for one in said["benchmarks"]:
        about = {**said.get("metadata", {}), **one.get("metadata", {})}
        loops = int(about.get("loops", 1))
        seconds = loops * int(about.get("inner_loops", 1)) * min(values_of({"benchmarks": [one]}))
        name = about["name"] if len(said["benchmarks"]) > 1 else script
        found[name] = loops, max(FEWEST, min(MOST, round(SPAN / seconds)))
    return found


def values_of(said: Any) -> list[float]:  # noqa: ANN401 - JSON
    """Seconds of a call in what pyperf says of one benchmark."""
    (benchmark,) = said["benchmarks"]
    return [value for run in benchmark["runs"] for value in run.get("values", ())]


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
    return {name: {one: (loops, values) for one, (loops, values) in each.items()} for name, each in found.items()}


def told(box: Box, *argv: str) -> str:
    """The output of a command. Ends the benchmark when it fails."""
    environment = {"PYTHONPATH": SITE, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    done = box.run(argv, env=environment, user="1000:1000")
    if not done.ok:
        raise SystemExit(f"{' '.join(argv)[:200]} failed:\n{done.output[-2000:]}")
    return done.output


HERE = Path(__file__).parent / INSIDE
_HOOK = {  # pyperf finds hooks among what is installed
    "turns-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: turns\nVersion: 1\n",
    "turns-1.dist-info/entry_points.txt": f"[pyperf.hook]\nturns = {INSIDE}.turns_hook:Turns\n",
}


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
    """pyperf and pyperformance from the package index, and what has their programs take turns, as files below `site`."""
    wanted = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", str(folder), *tools_of(version)]
    subprocess.run(wanted, check=True)
    found = {f"site/{INSIDE}/{path.name}": path.read_bytes() for path in sorted(HERE.glob("*.py"))}
    found |= {f"site/{name}": text.encode() for name, text in _HOOK.items()}
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            found |= {f"site/{name}": archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    return found
