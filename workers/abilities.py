"""What this worker can do, found out rather than claimed: which queues it takes, and which emulators its host has."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from farm.plan.facts import load_facts
from farm.wire.queue import host_arch
from farm.wire.routes import build_queue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from farm.settings import Settings
    from farm.wire.routes import Way

BINFMT = Path("/proc/sys/fs/binfmt_misc")
# Older ones let gcc crash while it compiles CPython: https://github.com/tonistiigi/binfmt/issues/215
OLDEST_QEMU = 10
_VERSION_S = 10
_VERSION_RE = re.compile(r"version (\d+)(\S*)")
_QEMU = {"aarch64": "arm64", "x86_64": "amd64", "arm": "armhf", "i386": "i386", "riscv64": "riscv64", "s390x": "s390x"}


def emulators(binfmt: Path = BINFMT) -> dict[str, str]:
    """The version of qemu that the kernel runs each foreign architecture's programs with; '?' when it does not say."""
    found = {}
    for name, arch in _QEMU.items():
        with suppress(OSError):
            lines = (binfmt / f"qemu-{name}").read_text(encoding="utf-8").splitlines()
            if arch != host_arch() and "enabled" in lines:
                found[arch] = _version(next((line.split()[1] for line in lines if line.startswith("interpreter ")), ""))
    return found


def _version(program: str) -> str:
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(  # noqa: S603 - the kernel's own interpreter
            [program, "--version"], capture_output=True, text=True, timeout=_VERSION_S, check=False
        )
        if found := _VERSION_RE.search(done.stdout):
            return found[1] + found[2]
    return "?"


def ways(settings: Settings, emulated: Mapping[str, str]) -> Iterator[tuple[str, Way]]:
    """The architectures that this worker builds for, and how, as far as the settings let it (FARM_WAYS)."""
    if "native" in settings.ways:
        yield host_arch(), "native"
    for arch, version in emulated.items():
        if "emulated" in settings.ways and version != "?" and int(version.split(".")[0]) >= OLDEST_QEMU:
            yield arch, "emulated"


def queues(settings: Settings, emulated: Mapping[str, str]) -> tuple[str, ...]:
    """The queues of this worker: each distro of its families, each way, without a label and with each of its own."""
    distros = load_facts(settings.facts).distros
    wanted = settings.families
    mine = sorted(name for name, distro in distros.items() if not wanted or distro.facts.family in wanted)
    return tuple(
        build_queue(arch, distro, way, label)
        for arch, way in ways(settings, emulated)
        for distro in mine
        for label in ("", *settings.labels)
    )
