"""What a benchmark makes a processor do in each Python: instructions and branches by function, counted by callgrind.

Usage: python -m benchmarks.instructions CELL [--store ./store] [--only NAME…] [--optimize pgo+lto] [--fresh] [--out FILE]

A count does not depend on what else the machine does. Each benchmark runs with few loops and with more, and what is told is the
difference, by loop: starting Python and importing are no part of it. Mispredicted branches, and instructions that were not
in the first cache, are those of callgrind's model of a processor, not of this machine's. What was counted is
kept: the same command goes on where it was ended.
https://valgrind.org/docs/manual/cl-manual.html
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cells import chosen, fetched
from benchmarks.command import end
from benchmarks.provenance import MEASURED, mark, stamped, write
from benchmarks.speed import EMBEDDER, contestants, image_of
from benchmarks.turns import BENCHMARKS, SITE, tools, tools_of, words_of
from farm.plan.cell import Cell
from farm.plan.recipe import digest_of
from farm.settings import Settings
from farm.store.folder import FolderStore
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import BoxSpec, Limits
from workers.verify.probe import parcel
from workers.verify.unpack import tar_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from farm.store.artifact import Artifact
    from workers.engine.protocol import Box

# benchmark to more loops than the first one, about a tenth of a second of them (pyperformance's may have loops within a loop)
DEFAULT = {
    "chaos": 1,
    "crypto_hashlib": 100,
    "decimal": 20,
    "deltablue": 10,
    "float": 1,
    "gc_traversal": 40,
    "generators": 1,
    "json_dumps": 10,
    "json_loads": 200,
    "mdp": 1,
    "meteor_contest": 1,
    "nbody": 1,
    "pickle": 200,
    "regex_compile": 1,
    "regex_v8": 5,
    "richards": 2,
    "scimark_fft": 1,
    "sqlite_synth": 20,
    "unpickle": 200,
    "xml_etree_parse": 1,
    "zlib": 10,
}
TOLD = 8  # functions of each
PROFILE = "/work/scratch/callgrind.out"
# What makes a run three times as slow: branches, and caches of 32 KiB for code and data before one of 8 MiB, on any machine
SIMULATED = ("--branch-sim=yes", "--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64")
_NAMED = re.compile(r"^(?P<called>c?)(?P<what>fn|ob)=\((?P<id>\d+)\)(?: (?P<name>.*))?$")
_COST = re.compile(r"^[+\-*\d]")
Costs = dict[str, Counter[str]]  # function to event to count
Told = dict[str, dict[str, dict[str, Any]]]  # benchmark to contestant to what a loop of it takes


def functions(lines: Iterable[str]) -> Costs:
    """What each function did itself, from callgrind's file. Raises ValueError when the sum is not what the file says it is.

    https://valgrind.org/docs/manual/cl-format.html
    """
    events: list[str] = []
    total: dict[str, int] = {}
    found: Costs = {}
    for what, name, words in _read(lines):
        if what == "events":
            events = words
            continue
        costs = dict(zip(events, map(int, words), strict=False))  # zeros at the end are left out
        if what == "totals":
            total = costs
        else:
            found.setdefault(name, Counter()).update(costs)
    if not total or any(sum(costs[event] for costs in found.values()) != count for event, count in total.items()):
        raise ValueError("the counts of functions do not add up to what callgrind says that they are together")
    return found


def _read(lines: Iterable[str]) -> Iterator[tuple[str, str, list[str]]]:
    """(what, function, words): what is "events", "totals", or "cost" for what a function did itself."""
    names: dict[tuple[str, str], str] = {}
    at = {"fn": "", "ob": ""}
    called = False
    for line in lines:
        if named := _NAMED.match(line):
            name = names.setdefault((named["what"], named["id"]), named["name"] or "")
            if not named["called"]:
                at[named["what"]] = name
        elif line.startswith(("events:", "totals:")):
            yield line[:6], "", line.split()[1:]
        elif line.startswith("calls="):
            called = True
        elif _COST.match(line):
            if not called:
                yield "cost", _name(at["fn"], at["ob"]), line.split()[1:]
            called = False


def _name(function: str, file: str) -> str:
    """Without the depth of a recursion; what was stripped has only an address."""
    return f"without a name, in {Path(file).name}" if function.startswith("0x") else function.partition("'")[0]


def more(few: Costs, many: Costs, loops: int) -> dict[str, Any]:
    """What one loop takes, from two runs of which the second has so many loops more: all of it, and by function.

    `estimated` are KCachegrind's cycles: 10 for a branch that was mispredicted and for what was not in the first cache, 100 for
    what was in none. https://kcachegrind.github.io/
    """
    each = {
        name: {event: (costs[event] - few.get(name, Counter())[event]) / loops for event in costs}
        for name, costs in many.items()
    }

    def of(event: str) -> float:
        return sum(costs.get(event, 0) for costs in each.values())

    mispredicted = of("Bcm") + of("Bim")
    first, last = (sum(map(of, events)) for events in (("I1mr", "D1mr", "D1mw"), ("ILmr", "DLmr", "DLmw")))
    return {
        "instructions": round(of("Ir")),
        "branches": round(of("Bc") + of("Bi")),
        "mispredicted": round(mispredicted),
        "missed": round(of("I1mr")),
        "estimated": round(of("Ir") + 10 * mispredicted + 10 * first + 100 * last),
        "functions": {name: round(costs.get("Ir", 0)) for name, costs in each.items()},
    }


def busiest(told: dict[str, Any]) -> dict[str, Any]:
    """The same with fewer functions: those that are among the busiest of some contestant, of all of them."""
    names = {
        name for one in told.values() for name in sorted(one["functions"], key=lambda name: -one["functions"][name])[:TOLD]
    }
    return {
        contestant: one | {"functions": {name: count for name, count in one["functions"].items() if name in names}}
        for contestant, one in told.items()
    }


def counted(box: Box, python: str, name: str, loops: int, simulated: Sequence[str] = SIMULATED) -> Costs:
    """Run a benchmark with so many loops. Ends with what it printed when it fails."""
    valgrind = ["valgrind", "--tool=callgrind", *simulated, f"--callgrind-out-file={PROFILE}"]
    once = ["--worker", f"--loops={loops}", "--values=1", "--warmups=0"]
    environment = {"PYTHONPATH": SITE, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    command = [*valgrind, python, *words_of(name), *once]
    done = box.run(command, env=environment, user="1000:1000")
    told = box.run(["cat", PROFILE], user="1000:1000") if done.ok else done
    box.run(["rm", "-f", PROFILE], user="1000:1000")
    if not told.ok:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.output[-2000:]}")
    return functions(told.output.splitlines())


def measured(artifact: Artifact, store: FolderStore, loops: dict[str, int], *, fresh: bool = False) -> dict[str, Any]:
    """What one loop of each benchmark of a build takes, by benchmark and contestant; also of those that were counted before."""
    settings, cell = Settings(), Cell.parse(artifact.build.cell)
    engine = DockerEngine(require(settings).url)
    image = image_of(cell, engine, settings, "valgrind")
    how = digest_of([engine.identity(image), SIMULATED, tools_of(cell.python), BENCHMARKS, EMBEDDER])[:16]
    file = settings.cache / "benchmarks" / f"{artifact.build.recipe[:16]}-{artifact.build_id}-counted-{how}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    found: Told = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name in loops if fresh else ():
        found.pop(name, None)
    long = Limits(deadline_s=24 * 3600, silent_s=24 * 3600)
    with engine.box(BoxSpec(image, long)) as box, tempfile.TemporaryDirectory() as folder:
        box.put("/work", parcel(tools(Path(folder), cell.python), ["scratch"]))
        with tar_stream(fetched(store, artifact, "tar.gz", Path(folder))) as stream:
            box.put("/work", stream)
        series = f"{cell.python.major}.{cell.python.minor}"
        turns = contestants(box, series)
        for name, further in loops.items():
            for contestant in [one for one in turns if one not in found.setdefault(name, {})]:
                found[name][contestant] = loop_counted(box, turns[contestant], name, further)
                write(file, found)
                mark(file)
    told = {name: busiest(one) for name, one in found.items() if set(one) == set(turns)}
    return {MEASURED: stamped(file), "build": artifact.build_id, "benchmarks": told}


def loop_counted(box: Box, python: str, name: str, further: int, simulated: Sequence[str] = SIMULATED) -> dict[str, Any]:
    """What one loop of a benchmark takes, from two runs of which the second has so many loops more."""
    few, many = (counted(box, python, name, 1 + loop, simulated) for loop in (0, further))
    told = more(few, many, further)
    print(f"{name}, {python}: {told['instructions']:,} instructions a loop", flush=True)
    return told


def main() -> int:
    """Measure, print, and write the JSON."""
    asked = argparse.ArgumentParser(prog="benchmarks.instructions")
    asked.add_argument("cell")
    asked.add_argument("--store", type=Path, default=Path("store"))
    asked.add_argument("--optimize", default="pgo+lto")
    asked.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/instructions.json"), help="what it has of others stays"
    )
    asked.add_argument("--only", nargs="*", default=list(DEFAULT), choices=list(DEFAULT))
    asked.add_argument("--fresh", action="store_true", help="forget what was counted of these")
    options = asked.parse_args()
    store = FolderStore(options.store)
    artifact = chosen(store, Cell.parse(options.cell), options.optimize)
    found = measured(artifact, store, {name: DEFAULT[name] for name in options.only}, fresh=options.fresh)
    known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    known[f"{options.cell} {options.optimize}"] = found
    write(options.out, known, sort=True)
    return 0


if __name__ == "__main__":
    end(main)
