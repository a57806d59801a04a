"""Programs of another arch on this host, by the kernel's binfmt_misc: whether they run, and by what; and setting that up.

The kernel opens the emulator when it is registered (flag F), so that it runs in every container without lying in it.
https://docs.kernel.org/admin-guide/binfmt-misc.html
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import BadInput, EngineUnavailable
from farm.plan.facts import load_facts
from farm.plan.recipe import Source
from farm.settings import Settings
from farm.wire.queue import host_arch
from workers.build.sources import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farm.plan.facts import Facts
    from farm.plan.rows import EmulatorRow

BINFMT = Path("/proc/sys/fs/binfmt_misc")
_VERSION = re.compile(r"version (\d+(?:\.\d+)+)")
_ASK_S = 20
_ALWAYS_OPEN = "F"


@dataclass(frozen=True)
class Emulated:
    """An arch whose programs run here: by what ('qemu 10.0.13'), and why a worker does not use that; '' where it does."""

    arch: str
    by: str
    trouble: str = ""


def emulated(facts: Facts, host: str, folder: Path = BINFMT) -> tuple[Emulated, ...]:
    """The arches that this host can cross-compile for and run: by an emulator that is new enough, and in every container."""
    return tuple(one for one in emulators(facts, host, folder) if one.by and not one.trouble)


def emulators(facts: Facts, host: str, folder: Path = BINFMT) -> Iterator[Emulated]:
    """Each arch that this host could emulate: by what, or what is wrong with what is registered; neither where nothing is."""
    for arch, row in facts.arches.items():
        if emulator := row.emulators.get(host):
            found = [_judged(arch, name, entry, emulator) for name, entry in _entries(folder) if _is_for(entry, emulator)]
            yield next((one for one in found if not one.trouble), found[0] if found else Emulated(arch, ""))


def _entries(folder: Path) -> list[tuple[str, dict[str, str]]]:
    """What is registered with the kernel, and switched on; nothing where binfmt_misc is not mounted, or not ours to read."""
    try:
        told = [(path.name, path.read_text()) for path in sorted(folder.iterdir()) if path.name not in {"register", "status"}]
    except OSError:
        return []
    return [
        (name, dict(line.split(" ", 1) for line in entry.splitlines() if " " in line))
        for name, entry in told
        if entry.startswith("enabled\n")
    ]


def _is_for(entry: Mapping[str, str], emulator: EmulatorRow) -> bool:
    """Whether an entry is for programs that begin as those of this emulator's arch do, and its own program lies here."""
    mask = entry.get("mask", "f" * len(emulator.magic))
    return (entry.get("magic"), mask) == (emulator.magic, emulator.mask) and Path(entry.get("interpreter", "")).is_file()


def _judged(arch: str, name: str, entry: Mapping[str, str], emulator: EmulatorRow) -> Emulated:
    if _ALWAYS_OPEN not in entry.get("flags:", ""):
        return Emulated(arch, name, "it is registered without the flag F: it is not found inside containers")
    if not (version := version_of(Path(entry["interpreter"]))):
        return Emulated(arch, name, f"{entry['interpreter']} does not run")
    if _numbers(version) < emulator.version:
        return Emulated(arch, f"qemu {version}", f"older than {'.'.join(map(str, emulator.version))}: {emulator.why}")
    return Emulated(arch, f"qemu {version}")


def version_of(program: Path) -> str:
    """What a qemu says that it is, e.g. '10.0.13'; '' if it says nothing."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=_ASK_S)  # noqa: S603 - named by the kernel
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _VERSION.search(done.stdout)
    return found[1] if found else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def registration(name: str, emulator: EmulatorRow, program: Path) -> bytes:
    """The line that registers an emulator with the kernel: O, the program is opened for it; C, with the program's rights."""
    magic, mask = (re.sub("..", lambda pair: rf"\x{pair[0]}", text) for text in (emulator.magic, emulator.mask))
    return f":{name}:M::{magic}:{mask}:{program}:OC{_ALWAYS_OPEN}".encode()


def emulate(arguments: Sequence[str]) -> int:
    """`python -m workers emulate ARCH`: have this host run programs of that arch until its next start. Gives an exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers emulate", description="Run programs of another arch here.")
    parser.add_argument("arch", help="e.g. arm64")
    arch, settings = parser.parse_args(arguments).arch, Settings()
    facts, host = load_facts(settings.facts), host_arch()
    emulator = facts.arches[arch].emulators.get(host) if arch in facts.arches else None
    if emulator is None:
        raise BadInput(f"there is no emulator for {arch} on {host} in arches.toml", hint="build on a host of that arch")
    there = [one for one in emulated(facts, host) if one.arch == arch]
    if not there:
        _register(arch, emulator, settings)
        there = [one for one in emulated(facts, host) if one.arch == arch]
    if not there:
        raise EngineUnavailable(f"the kernel took the emulator for {arch}, and does not use it", hint=f"look into {BINFMT}")
    sys.stdout.write(f"{arch}: {there[0].by}\n")
    return 0


def _register(arch: str, emulator: EmulatorRow, settings: Settings) -> None:
    program = unpacked(emulator, settings)
    try:
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], check=True, capture_output=True, text=True)  # noqa: S603, S607
        (BINFMT / "register").write_bytes(registration(f"farm-{arch}", emulator, program))
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineUnavailable(
            f"the kernel does not take an emulator for {arch}: {error}", hint="this needs root, on a kernel with binfmt_misc"
        ) from error


def unpacked(emulator: EmulatorRow, settings: Settings) -> Path:
    """The pinned emulator, in the cache; fetched from a Debian mirror and compared with its sha256 before it is run."""
    target = settings.cache / "emulators" / emulator.sha256 / Path(emulator.program).name
    if target.is_file():
        return target
    source = Source(emulator.pool.rpartition("/")[2], emulator.sha256, "", emulator.pool, 0)
    package = fetch(source, settings, _say)
    if not shutil.which("dpkg-deb"):
        raise BadInput("the emulator comes in a Debian package, and dpkg-deb is not installed", hint="apt-get install dpkg")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".part-{target.name}")
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as tar, partial.open("wb") as out:  # noqa: S603, S607
        done = subprocess.run(["tar", "-xO", f"./{emulator.program}"], stdin=tar.stdout, stdout=out, check=False)  # noqa: S603, S607
    if tar.returncode or done.returncode:
        raise BadInput(f"{package.name} has no {emulator.program}", hint="correct the row in arches.toml")
    partial.chmod(0o755)
    return partial.replace(target)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
