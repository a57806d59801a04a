"""`python -m workers doctor`: whether this host can build. Prints what it found as JSON, for `farm doctor` to show."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import EXIT_OK, FarmError
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.wire.health import GIB, HEALTHS, disk, doubtful, fine, skipped, wrong
from farm.wire.queue import host_arch
from workers.build.base import ensure_base
from workers.build.image import dockerfile, release_of
from workers.engine.docker import DockerEngine
from workers.engine.emulation import BINFMT, emulators
from workers.engine.host import require
from workers.engine.protocol import BoxSpec, limits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from farm.plan.facts import Facts
    from farm.wire.health import Health
    from workers.engine.protocol import Engine, Limits

_DISTRO = "debian13"
_DISK_PER_CELL_GB = 5.0  # a build's volume, its archives and their spool files; measured ones lie below 3
# What a box says of itself: one line `name value` each. /work is written to, the root and /etc must not be.
PROBE = r"""
echo uid $(id -u)
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d ':' | tr '\t' ' '
echo interfaces $(ls /sys/class/net | tr '\n' ' ')
(: > /etc/farm-probe) 2>/dev/null && echo root writable || echo root read-only
printf '#!/bin/sh\nexit 0\n' > /tmp/p && chmod +x /tmp/p && /tmp/p && echo tmp runs || echo tmp does-not-run
echo memory $(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -n 1)
echo pids $(cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null | head -n 1)
: > /work/p && echo work writable || echo work read-only
"""


def doctor(arguments: Sequence[str]) -> int:
    """Look at everything. What fails is a finding, never an error of this command."""
    del arguments
    sys.stdout.write(HEALTHS.dump_json(list(checks(Settings()))).decode() + "\n")
    return EXIT_OK


def checks(settings: Settings) -> Iterator[Health]:
    """Everything that a build host needs, one after the other."""
    less = "TMPDIR names another folder, and FARM_SLOTS takes fewer cells at once"
    yield disk("work disk", Path(tempfile.gettempdir()), settings.cells_at_once * _DISK_PER_CELL_GB, less)
    yield disk("cache disk", settings.cache, 2 * _DISK_PER_CELL_GB, "FARM_CACHE names another folder")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    yield memory(total, settings.cells_at_once, settings.memory_gb)
    yield bootstrap(settings)
    try:
        facts = load_facts(settings.facts)
    except FarmError as error:
        yield wrong("facts", error.message, error.hint)
        return
    yield from emulation(facts, host_arch())
    yield from engine(settings, facts)


def memory(total_gb: float, slots: int, per_cell_gb: float) -> Health:
    """Whether the cells that are built at once may have what they are promised."""
    said = f"{total_gb:.1f} GiB, and each of {slots} built at once may take {per_cell_gb:.1f}"
    if slots * per_cell_gb > total_gb:
        return doubtful("memory", said, "set FARM_SLOTS or FARM_MEMORY_GB lower, or the kernel ends builds")
    return fine("memory", said)


def bootstrap(settings: Settings, which: Callable[[str], str | None] = shutil.which) -> Health:
    """Whether base images can be made where no registry answers."""
    if settings.base_image == "pull":
        return skipped("bootstrap", "FARM_BASE_IMAGE is 'pull': base images come from a registry")
    if which("mmdebstrap"):
        return fine("bootstrap", "mmdebstrap is there")
    todo = "apt-get install mmdebstrap; or set FARM_BASE_IMAGE=pull where a registry answers"
    if settings.base_image == "bootstrap":
        return wrong("bootstrap", "mmdebstrap is not installed, and FARM_BASE_IMAGE is 'bootstrap'", todo)
    return doubtful("bootstrap", "mmdebstrap is not installed: without a registry no cell can be built", todo)


def emulation(facts: Facts, host: str, folder: Path = BINFMT) -> Iterator[Health]:
    """Which other arches' programs run here, and whether the worker uses what runs them."""
    for one in emulators(facts, host, folder):
        check = f"emulation {one.arch}"
        todo = f"`python -m workers emulate {one.arch}`, as root, or build on a host of that arch"
        if one.trouble:
            yield wrong(check, f"{one.by}, and no worker uses it: {one.trouble}", todo)
        elif one.by:
            yield fine(check, one.by)
        else:
            yield skipped(check, f"nothing that is registered with the kernel and lies here runs its programs ({todo})")


def engine(settings: Settings, facts: Facts) -> Iterator[Health]:
    """Whether an engine answers, and keeps every promise of a box."""
    try:
        found = require(settings)
    except FarmError as error:
        yield wrong("engine", error.message, error.hint)
        return
    yield fine("engine", f"{found.name} at {found.url}")
    connected = DockerEngine(found.url)
    try:
        yield isolation(connected, _image(connected, settings, facts), limits_of(settings, 120))
    except FarmError as error:
        yield wrong("isolation", error.message, error.hint or "see the engine's own log")
    finally:
        connected.close()


def _image(connected: Engine, settings: Settings, facts: Facts) -> str:
    """A small image to look around in; made once a day."""
    base = ensure_base(release_of(facts.distros[_DISTRO]), host_arch(), connected, settings, lambda _: None)
    image = f"python-farm/doctor-{host_arch()}:{base.layers[0][7:23]}"
    if connected.layers(image) is None:
        connected.build(image, dockerfile(base.name, "true", ()))
    return image


def isolation(connected: Engine, image: str, limits: Limits) -> Health:
    """Whether a box is as we ask for it, as it says itself from within. Raises FarmError when there can be none."""
    with connected.box(BoxSpec(image, limits)) as box:
        done = box.run(["sh", "-c", PROBE])
    told = dict(line.split(maxsplit=1) for line in done.output.splitlines() if " " in line.strip())
    broken = list(broken_promises(told, limits))
    if broken:
        return wrong(
            "isolation", "; ".join(broken), "update the engine, and look for daemon.json or kernel settings that weaken it"
        )
    return fine("isolation", "no network, no privileges, read-only root, and limits of memory and processes hold")


def broken_promises(told: Mapping[str, str], limits: Limits) -> Iterator[str]:
    """What is not as it should be in a box that says these things of itself."""
    exact = {
        "uid": ("1000", "it runs as user {}"),
        "NoNewPrivs": ("1", "it may gain privileges (NoNewPrivs is {})"),
        "interfaces": ("lo", "it has a network: {}"),
        "root": ("read-only", "its root file system is {}"),
        "tmp": ("runs", "programs in /tmp: {}"),
        "work": ("writable", "/work is {}"),
        "pids": (str(limits.pids), "its limit of processes is {}"),
    }
    for name, (wanted, complaint) in exact.items():
        if (seen := told.get(name, "not shown").strip()) != wanted:
            yield complaint.format(seen)
    for name in ("CapEff", "CapBnd"):
        if told.get(name, "?").strip("0 ") != "":
            yield f"it has capabilities ({name} is {told.get(name, 'not shown')})"
    if told.get("Seccomp", "0").strip() == "0":
        yield "its system calls are not filtered (Seccomp is 0)"
    limit = told.get("memory", "")
    if not limit.isdigit() or int(limit) > limits.memory_bytes:
        yield f"its limit of memory is {limit or 'not shown'}"
