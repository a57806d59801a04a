"""What `farm submit` costs at ten thousand cells: all of them published, none of them, and killed in between.

Usage: python -m benchmarks.submit [--cells 10000] [--messages 10000] [--out benchmarks/results/submit.json]

All of it is real but for the builders, of which there are none: `farm submit --without-worker` as a process, with a private
Redis. How many messages a second the task queue takes is measured by itself, for of a run only `Tempo.window` wait in a queue.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.command import end
from benchmarks.provenance import MEASURED, stamp, write
from benchmarks.scale import announce, furnish, process
from benchmarks.synthetic import entry, fill
from farm.dispatch.embedded import Broker, find_server
from farm.dispatch.queue import TaskQueue
from farm.dispatch.tempo import Tempo
from farm.plan.recipe import BaseImage, Inputs
from farm.settings import Settings
from farm.store import locks, run_keys
from farm.store.folder import FolderStore
from farm.wire.mailbox import SchedulerMail
from farm.wire.routes import build_queue

if TYPE_CHECKING:
    from farm.plan.fate import Planned

_PACKAGES = 400  # as many as are in a builder image, by and large
_TURNS = 5  # what else runs on a machine makes a command slower, never quicker
_PATIENCE_S = 300.0
_LISTENS_S = 5.0  # in which the loop of a run has turned several times


def inputs_of(cells: list[Planned]) -> Inputs:
    """What a made-up distro gives: all that any of these cells needs, and what else is in a builder image."""
    needed = {name for one in cells if one.recipe for name in one.recipe.build_packages}
    names = sorted(needed | {f"package-{number}" for number in range(_PACKAGES - len(needed))})
    return Inputs(BaseImage("made-up:1", "bootstrap", ("1" * 64,)), tuple((name, "1.2.3-4+deb13u1") for name in names))


def environment(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FARM_")}
    places = {"FARM_FACTS": "facts", "FARM_STORE": "store", "FARM_STATE": "state", "FARM_CACHE": "cache"}
    return {**kept, **{name: str(folder / place) for name, place in places.items()}}


def farm(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("farm")), *words]


SUBMIT = ("submit", "matrix.yaml", "--without-worker")


def furnished(folder: Path, cells: int) -> tuple[FolderStore, list[Planned], Inputs]:
    """A matrix whose distros are resolved, and nothing published."""
    made = furnish(folder, cells, published=0)
    inputs, store = inputs_of(made), FolderStore(folder / "store")
    for distro, arch in {(one.cell.distro, one.cell.arch) for one in made}:
        locks.save_inputs(store, distro, arch, inputs, date=locks.today())
    return store, made, inputs


def publish(store: FolderStore, made: list[Planned], inputs: Inputs) -> None:
    """Have the catalog name a build of each cell, and its channel list it."""
    for one in made:
        announce(store, one, inputs.digest)
    fill(store, "dev", (entry(one.cell, 0).model_copy(update={"build_id": "2026112201"}) for one in made))


def published(cells: int) -> dict[str, Any]:
    """The cost of `farm submit` where all is published and listed, and of `farm plan` beside it: the quickest of each."""
    with tempfile.TemporaryDirectory(prefix="farm-submit-") as name:
        folder = Path(name)
        store, made, inputs = furnished(folder, cells)
        publish(store, made, inputs)
        commands = {"plan": ("plan", "matrix.yaml"), "submit": SUBMIT}
        turns = [
            {what: process(farm(*words), environment(folder), folder) for what, words in commands.items()}
            for _ in range(_TURNS)
        ]
    quickest = {what: min((turn[what] for turn in turns), key=attrgetter("wall")) for what in commands}
    return {
        what: {"cpu_s": round(cost.cpu, 3), "wall_s": round(cost.wall, 3), "mib": round(cost.mib, 1)}
        for what, cost in quickest.items()
    }


def submitting(folder: Path, before: set[str]) -> tuple[subprocess.Popen[bytes], float, str]:
    """A `farm submit` that has kept the plan of its run, the seconds that this took, and the run."""
    began, store = time.monotonic(), FolderStore(folder / "store")
    with (folder / "output").open("ab") as output:
        child = subprocess.Popen(farm(*SUBMIT), env=environment(folder), cwd=folder, stdout=output, stderr=output)
    while True:
        for key in (stat.key for stat in store.list(run_keys.asked_runs())):
            run = key.rpartition("/")[2].removesuffix(".json")
            if run not in before and store.stat(run_keys.plan(run)):
                return child, time.monotonic() - began, run
        if child.poll() is not None or time.monotonic() - began > _PATIENCE_S:
            raise SystemExit(f"farm submit got nowhere:\n{(folder / 'output').read_text()[-2000:]}")
        time.sleep(0.05)


def peak_mib(child: subprocess.Popen[bytes]) -> float:
    """The most memory that a process ever held."""
    status = Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def killed(cells: int) -> dict[str, Any]:
    """Submit, be killed once the plan is kept, and submit again when half of it was published."""
    with tempfile.TemporaryDirectory(prefix="farm-submit-") as name:
        folder = Path(name)
        store, made, inputs = furnished(folder, cells)
        child, first_s, run = submitting(folder, set())
        time.sleep(_LISTENS_S)
        mib = peak_mib(child)
        child.kill()
        child.wait()
        publish(store, made[: cells // 2], inputs)
        child, again_s, again = submitting(folder, {run})
        time.sleep(_LISTENS_S)
        mib = max(mib, peak_mib(child))
        child.send_signal(signal.SIGINT)
        child.wait(_PATIENCE_S)
        kept = json.loads((store.get(run_keys.plan(again)) or (b"", ""))[0])
        size = (store.stat(run_keys.plan(run)) or store.stat(run_keys.plan(again))).size  # type: ignore[union-attr]
    return {
        "plan_kept_s": round(first_s, 2),
        "again_s": round(again_s, 2),
        "again_published": sum(bool(one["published"]) for one in kept["cells"]),
        "mib": round(mib, 1),
        "plan_mb": round(size / 1e6, 1),
    }


def messages(count: int) -> dict[str, Any]:
    """How many wake-ups a second the task queue takes, and whether all of them are in it."""
    with tempfile.TemporaryDirectory(prefix="farm-submit-") as name:
        folder = Path(name)
        cells = [one.cell for one in furnish(folder, count, published=0)][:count]
        broker = Broker(folder / "broker", find_server())
        queue, mail = TaskQueue(Settings(broker_url=broker.url)), SchedulerMail(broker.url)
        try:
            names = {cell: build_queue(cell.arch, cell.distro) for cell in cells}
            queue.wake("20261129-010203-abcdef", cells[0], names[cells[0]])  # it connects
            began, cpu = time.perf_counter(), time.process_time()
            for cell in cells[1:]:
                queue.wake("20261129-010203-abcdef", cell, names[cell])
            took, cpu = time.perf_counter() - began, time.process_time() - cpu
            waiting = sum(len(mail.waiting(one)) for one in set(names.values()))
        finally:
            queue.close()
            mail.close()
            broker.stop()
    return {"sent": len(cells), "waiting": waiting, "per_second": round((len(cells) - 1) / took), "cpu_s": round(cpu, 2)}


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.submit")
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/submit.json"))
    options = parser.parse_args()
    result = {
        MEASURED: stamp(),
        "cells": options.cells,
        "window": Tempo.window,
        "messages": messages(options.messages),
        "published": published(options.cells),
        "fresh": killed(options.cells),
    }
    write(options.out, result)
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    end(main)
