"""What shipped bytecode is worth: start-up with and without it, in a tree that belongs to root, run by an ordinary user.

Usage: python -m benchmarks.startup ARCHIVE.tar.gz [--rounds 15]

Such a user can't write `__pycache__`, so without bytecode in the archive every start compiles what it imports. Both trees
are in one box, runs are interleaved, and ratios of medians are printed.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tarfile
from pathlib import Path

from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.store.artifact import BUILD_INFO_PATH, BuildInfo
from workers.build.base import ensure_base
from workers.build.image import dockerfile, release_of
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import BoxSpec

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
    """The archive as a tar without any `__pycache__`."""
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


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.startup")
    parser.add_argument("archive", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tarfile.open(options.archive) as tar:
        member = tar.extractfile(f"python/{BUILD_INFO_PATH}")
        build = BuildInfo.model_validate_json(member.read() if member else b"")
    settings = Settings()
    engine = DockerEngine(require(settings).url)
    cell = Cell.parse(build.cell)
    base = ensure_base(release_of(load_facts().distros[cell.distro]), cell.arch, engine, settings, print)
    image = "python-farm/bench-startup:1"
    engine.build(image, dockerfile(base.name, "true", ()))
    with engine.box(BoxSpec(image)) as box:
        box.put("/work", folders("with", "without"))
        box.put("/work/with", options.archive.read_bytes())
        box.put("/work/without", without_bytecode(options.archive))
        python = f"/work/with/python/bin/{build.executable}"
        done = box.run([python, "-c", MEASURE, json.dumps(PROGRAMS), str(options.rounds), "/work/with", "/work/without"])
    if not done.ok:
        print(done.output)
        return 1
    for name, times in json.loads(done.output.splitlines()[-1]).items():
        having, lacking = times["/work/with"], times["/work/without"]
        print(f"{name}: {having * 1000:.1f} ms with, {lacking * 1000:.1f} ms without: {lacking / having:.2f} times as long")
    return 0


if __name__ == "__main__":
    sys.exit(main())
