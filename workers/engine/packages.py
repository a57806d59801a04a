"""Distro packages that an engine of our own needs (and tests), installed without any service being started by that."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# command: the package that has it
NEEDED = {"dockerd": "docker.io", "iptables": "iptables", "ip": "iproute2", "mmdebstrap": "mmdebstrap"}
BOOTSTRAP = "mmdebstrap"
SERVICES = {
    "docker.io": ("docker.service", "docker.socket", "containerd.service"),
    "redis-server": ("redis-server.service",),
}

_PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # root's PATH may lack sbin after a plain `su`
_POLICY = Path("/usr/sbin/policy-rc.d")
_APPARMOR = Path("/sys/module/apparmor/parameters/enabled")
_LOADER = {"apparmor_parser": "apparmor"}


def program(name: str) -> str:
    """The full path of a host program; empty when it is not installed."""
    return shutil.which(name, path=_PLACES) or ""


def missing() -> tuple[str, ...]:
    """The packages that an engine of our own still needs on this host."""
    # A kernel that enforces AppArmor makes every container fail when nothing can load the engine's profile.
    wanted = NEEDED | _LOADER if _APPARMOR.is_file() and _APPARMOR.read_text().startswith("Y") else NEEDED
    return tuple(package for command, package in wanted.items() if not program(command))


def install(packages: tuple[str, ...], say: Callable[[str], None]) -> None:
    """Install packages with apt; services they bring are neither started now nor at the next boot.

    Raises EngineUnavailable with apt's last lines.
    """
    say(f"installing {' '.join(packages)} (they stay installed)")
    with _no_service_starts():
        # The lists may be missing or older than the mirror: then, and only then, they are fetched.
        if (done := _apt("install", *packages)).returncode != 0:
            _apt("update")
            done = _apt("install", *packages)
    if done.returncode != 0:
        raise EngineUnavailable(
            f"apt-get install {' '.join(packages)} failed:\n  " + "\n  ".join(done.stdout.splitlines()[-8:]),
            hint="run it by hand, or start a container engine and name it in FARM_ENGINE",
        )
    brought = [service for package in packages for service in SERVICES.get(package, ())]
    if brought and (systemctl := program("systemctl")):
        subprocess.run([systemctl, "disable", *brought], capture_output=True, check=False)  # noqa: S603 - constants


def _apt(verb: str, *packages: str) -> subprocess.CompletedProcess[str]:
    quiet = ["/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "--yes", "-o", "DPkg::Lock::Timeout=300"]
    command = [*quiet, verb, *(["--no-install-recommends", *packages] if packages else [])]
    return subprocess.run(  # noqa: S603 - a command of ours without a shell
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Debian's own switch for this, put there only if there is none.

    https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
    """
    try:
        with _POLICY.open("x") as script:
            script.write("#!/bin/sh\nexit 101\n")
    except FileExistsError:
        yield
        return
    try:
        _POLICY.chmod(0o755)
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
