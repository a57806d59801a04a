"""Programs that some tests need newer than this distro has them: from Debian's newest suite, unpacked in the cache.

Nothing is installed: apt fetches with folders of its own and checks the archive's signatures as it always does.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workers.build.mirror import mirror_roots

if TYPE_CHECKING:
    from collections.abc import Callable

    from farm.settings import Settings

SUITE = "sid"
# what the tests use of it: the package that has it
WANTED = {
    "usr/sbin/dockerd": "docker.io",
    "usr/bin/containerd": "containerd",
    "usr/bin/docker": "docker-cli",
    "usr/libexec/docker/cli-plugins/docker-buildx": "docker-buildx",
    "usr/libexec/docker/cli-plugins/docker-compose": "docker-compose",
    "usr/bin/python-build": "pyenv",
    "usr/share/pyenv": "pyenv-runtime",
}
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def folder(settings: Settings) -> Path:
    """Where they are unpacked: `usr/bin` and the like lie in it."""
    return settings.cache.absolute() / "newer-programs"


def fetch(settings: Settings, say: Callable[[str], None]) -> None:
    """Have them there, if that can be done on this host: it takes apt, dpkg and Debian's keyring."""
    place = folder(settings)
    if all((place / path).exists() for path in WANTED) or not _debian():
        return
    packages = tuple(dict.fromkeys(WANTED.values()))
    say(f"unpacking {' '.join(packages)} of Debian {SUITE} in {place}")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="newer-", dir=place.parent) as scratch:
        if trouble := _unpack(packages, mirror_roots(settings)[0], Path(scratch)):
            say(f"they cannot be had, and their tests will say so: {trouble}")
            return
        shutil.rmtree(place, ignore_errors=True)
        Path(scratch, "root").rename(place)


def _debian() -> bool:
    with suppress(OSError):
        like_debian = platform.freedesktop_os_release().get("ID") == "debian"
        return like_debian and _KEYRING.is_file() and bool(shutil.which("apt-get") and shutil.which("dpkg-deb"))
    return False


def _unpack(packages: tuple[str, ...], mirror: str, scratch: Path) -> str:
    """Fetch packages and unpack them below scratch/root; what went wrong."""
    (scratch / "state" / "lists" / "partial").mkdir(parents=True)
    (scratch / "cache" / "archives" / "partial").mkdir(parents=True)
    (scratch / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {mirror} {SUITE} main\n")
    own = {
        "Dir::State": scratch / "state",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": scratch / "cache",
        "Dir::Etc::SourceList": scratch / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-qq", *(word for key, value in own.items() for word in ("-o", f"{key}={value}"))]
    unpack = 'mkdir root && for package in *.deb; do dpkg-deb --extract "$package" root || exit 1; done'
    for command in ([*apt, "update"], [*apt, "download", *packages], ["sh", "-c", unpack]):
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if done.returncode != 0:
            return (done.stderr.strip().splitlines() or [f"{command[0]} ended with {done.returncode}"])[-1]
    return ""
