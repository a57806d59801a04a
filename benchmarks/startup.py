"""What shipped bytecode is worth: start-up with and without it, in a tree that belongs to root, run by an ordinary user.

Usage: python -m benchmarks.startup CELL [--optimize pgo+lto] [--store ./store] [--rounds 15] [--out FILE]

Such a user can't write `__pycache__`, so without bytecode in the archive every start compiles what it imports. Both trees
are in one box, runs are interleaved, and ratios are of medians.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cells import chosen, fetched, parser, written
from benchmarks.command import end
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.store.folder import FolderStore
from workers.build.base import ensure_base
from workers.build.image import dockerfile, release_of
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import BoxSpec

if TYPE_CHECKING:
    from farm.store.artifact import BuildInfo

PROGRAMS = {
    "pass": "pass",
    "import asyncio, json, argparse": "import asyncio, json, argparse",
    "pip --version": "import runpy, sys; sys.argv = ['pip', '--version']; runpy.run_module('pip', run_name='__main__')",
}
MEASURE = """
import json, statistics, subprocess, sys, time
programs, rounds, trees = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
times = {name: {tree: [] for tree in trees} for name in programs}
for _ in range(rounds):
    for name, code in programs.items():
        for tree in trees:
            began = time.perf_counter()
            subprocess.run([tree + "/python/bin/python3", "-c", code], check=True, stdout=subprocess.DEVNULL)
            times[name][tree].append(time.perf_counter() - began)
print(json.dumps({name: {tree: statistics.median(all) for tree, all in by.items()} for name, by in times.items()}))
"""


def without_bytecode(archive: Path) -> bytes:
    """The archive (tar.gz) as a tar without any `__pycache__`."""
    stream = io.BytesIO()
    with tarfile.open(archive) as whole, tarfile.open(fileobj=stream, mode="w") as bare:
        for member in whole:
            if "__pycache__" not in member.name:
                bare.addfile(member, whole.extractfile(member) if member.isfile() else None)
    return stream.getvalue()


def folders(*names: str) -> bytes:
    """A tar with folders that belong to root."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
    return stream.getvalue()


def measured(archive: Path, build: BuildInfo, rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of each program, by bytecode."""
    settings = Settings()
    engine = DockerEngine(require(settings).url)
    cell = Cell.parse(build.cell)
    base = ensure_base(release_of(load_facts().distros[cell.distro]), cell.arch, engine, settings, print)
    image = "python-farm/bench-startup:1"
    engine.build(image, dockerfile(base.name, "true", ()))
    trees = {build.bytecode: "/work/with", "none": "/work/without"}
    with engine.box(BoxSpec(image)) as box:
        box.put("/work", folders("with", "without"))
        box.put("/work/with", archive.read_bytes())
        box.put("/work/without", without_bytecode(archive))
        python = f"/work/with/python/bin/{build.executable}"
        done = box.run([python, "-c", MEASURE, json.dumps(PROGRAMS), str(rounds), *trees.values()])
    if not done.ok:
        raise SystemExit(done.output)
    found = json.loads(done.output.splitlines()[-1])
    return {program: {name: round(times[tree], 5) for name, tree in trees.items()} for program, times in found.items()}


def main() -> int:
    """Measure, print, and write the JSON."""
    options = parser("startup", rounds=15).parse_args()
    store = FolderStore(options.store)
    artifact = chosen(store, Cell.parse(options.cell), options.optimize)
    if artifact.build.bytecode == "none":
        raise SystemExit(f"{options.cell} has no bytecode: there is nothing to compare")
    with tempfile.TemporaryDirectory(prefix="farm-startup-") as folder:
        programs = measured(fetched(store, artifact, "tar.gz", Path(folder)), artifact.build, options.rounds)
    result = {"cell": options.cell, "optimize": options.optimize, "rounds": options.rounds, "programs": programs}
    written(options.out, result)
    return 0


if __name__ == "__main__":
    end(main)
