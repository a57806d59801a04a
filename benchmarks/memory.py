"""What a shared libpython costs or saves: eight mod_wsgi processes with it, against eight whose module has libpython.a in it.

Usage: python -m benchmarks.memory CELL [--optimize pgo+lto] [--store ./store] [--out benchmarks/results/memory.json]

Both modules are built from one source against one published build, in one box, and serve the same site from the same Apache,
one after the other. Proportional set sizes are read once every process has answered several times.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cells import chosen, fetched, written
from benchmarks.command import end
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.settings import Settings
from farm.store.folder import FolderStore
from workers.build.image import ImageMaker
from workers.build.sources import fetch
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import Box, BoxSpec
from workers.verify.expected import sources
from workers.verify.probe import parcel, probe_files
from workers.verify.unpack import tar_stream

if TYPE_CHECKING:
    from farm.store.artifact import Artifact

PROCESSES = 8
ROUNDS = 400
ROOT = "/work/python"
USER = "33:33"  # www-data
BUILD = """mkdir -p "$1" && tar -xzf /work/mod_wsgi.tar.gz -C "$1" --strip-components=1 && cd "$1" &&
./configure --with-python="$2" --with-apxs=/usr/bin/apxs && LD_RUN_PATH="$3" make -j2 ${4:+"LDLIBS=$4"}"""
START = 'rm -rf "$1/httpd" && mkdir -p "$1/httpd" && apache2 -f "$1/httpd.conf" -k start'
STOP = 'pid=$(cat "$1/httpd/pid"); apache2 -f "$1/httpd.conf" -k stop; while kill -0 $pid 2> /dev/null; do sleep 0.1; done'
ASK = """
import json, sys, urllib.request
found = {}
for _ in range(int(sys.argv[2])):
    told = json.load(urllib.request.urlopen(sys.argv[1], timeout=30))
    found.setdefault(told["pid"], []).append(told)
print(json.dumps({pid: {"answers": len(all), **all[-1]} for pid, all in found.items()}))
"""


def run(box: Box, *argv: str, user: str = "1000:1000") -> str:
    """The output of a command. Ends the benchmark when it fails."""
    done = box.run(argv, user=user)
    if not done.ok:
        raise SystemExit(f"{' '.join(argv)[:200]} failed:\n{done.output[-2000:]}")
    return done.output


def served(box: Box, module: str) -> dict[str, dict]:
    """What the last answer of each of the eight processes says of itself."""
    text = (resources.files("workers.verify") / "probes/httpd.conf").read_text("utf-8")
    text = text.replace("@MODULE@", module).replace("@PROBES@", "/work/probes").replace("processes=2", f"processes={PROCESSES}")
    text += f"WSGIPythonHome {ROOT}\n"  # a module that has libpython in it does not lie where that does
    box.put("/work/scratch", parcel({"httpd.conf": text.encode()}))
    run(box, "sh", "-c", START, "start", "/work/scratch", user=USER)
    try:
        answers = run(box, f"{ROOT}/bin/python3", "-c", ASK, "http://127.0.0.1:8081/daemon", str(ROUNDS))
    finally:
        run(box, "sh", "-c", STOP, "stop", "/work/scratch", user=USER)
    found = json.loads(answers.splitlines()[-1])
    if len(found) != PROCESSES or min(one["answers"] for one in found.values()) < 2:  # noqa: PLR2004 - warm is more than once
        raise SystemExit(f"only {len(found)} of {PROCESSES} processes are warm: raise ROUNDS")
    return found


def measured(box: Box, modules: dict[str, str]) -> dict[str, dict]:
    """Sizes by way of linking: in KiB, the sum over all processes, and the median of one."""
    result = {}
    for name, module in modules.items():
        found = served(box, module)
        sizes = [one["pss_kib"] for one in found.values()]
        libraries = sorted({path for one in found.values() for path in one["mapped"] if "/libpython" in path})
        result[name] = {"sum_kib": sum(sizes), "median_kib": statistics.median(sizes), "libpython": libraries}
    return result


def built(box: Box) -> dict[str, str]:
    """Both modules, by name."""
    code = (
        "import sysconfig; ask = sysconfig.get_config_var; "
        "print(ask('LIBPL') + '/' + ask('LIBRARY'), ask('LIBS'), ask('SYSLIBS'), ask('LIBM'))"
    )
    archive, *libraries = run(box, f"{ROOT}/bin/python3", "-c", code).split()
    static = " ".join(["-Wl,--whole-archive", archive, "-Wl,--no-whole-archive", *libraries])
    modules = {}
    for name, words in (("shared", ""), ("static", static)):
        folder = f"/work/scratch/{name}"
        run(box, "sh", "-c", BUILD, "build", folder, f"{ROOT}/bin/python3", f"{ROOT}/lib", words)
        modules[name] = f"{folder}/src/server/.libs/mod_wsgi.so"
    return modules


def weighed(store: FolderStore, artifact: Artifact) -> dict[str, dict]:
    """What `measured` tells of both modules, built and served with a published build."""
    cell, settings, facts = Cell.parse(artifact.build.cell), Settings(), load_facts()
    engine, distro = DockerEngine(require(settings).url), facts.distros[cell.distro]
    recipe = compose(cell, Options(optimize="none"), facts, "")
    maker = ImageMaker(distro, cell.arch, engine, settings, print)
    image = maker.images(
        tuple(sorted({*recipe.build_packages, *distro.facts.embedders})), recipe.required_packages, None
    ).builder
    version = (cell.python.major, cell.python.minor, cell.python.patch)
    source = fetch(sources(version)["mod_wsgi"].source, settings, print)
    with engine.box(BoxSpec(image)) as box, tempfile.TemporaryDirectory() as folder:
        box.put("/work", parcel({**probe_files(), "mod_wsgi.tar.gz": source.read_bytes()}, ["scratch"]))
        for kind, form in (("install_only", "tar.gz"), ("static-lib", "tar.zst")):
            with tar_stream(fetched(store, artifact, form, Path(folder), kind)) as stream:  # type: ignore[arg-type]
                box.put("/work", stream)
        return measured(box, built(box))


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.memory")
    parser.add_argument("cell")
    parser.add_argument("--optimize", default="pgo+lto")
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/memory.json"))
    options = parser.parse_args()
    store = FolderStore(options.store)
    artifact = chosen(store, Cell.parse(options.cell), options.optimize)
    sizes = weighed(store, artifact)
    result = {
        "cell": artifact.build.cell,
        "optimize": artifact.build.optimize,
        "processes": PROCESSES,
        **sizes,
        "static_by_shared": round(sizes["static"]["sum_kib"] / sizes["shared"]["sum_kib"], 3),
    }
    written(options.out, result)
    return 0


if __name__ == "__main__":
    end(main)
