"""Which Debian or Ubuntu mirror this host uses, read from its own apt configuration when it is needed."""

from __future__ import annotations

import platform
import re
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from farm.settings import Settings

_URI = re.compile(r"^'(?P<root>[^']+?)/dists/(?P<suite>[^']+?)/InRelease' ")
_TARGET_FORMAT = "$(REPO_URI) $(ORIGIN)"


def mirror_roots(settings: Settings) -> tuple[str, ...]:
    """Urls under which `dists/` and `pool/` lie, without a closing slash: the setting, or this host's own, in apt's order.

    Empty on a host without apt.
    """
    if settings.apt_mirror:
        return with_security((settings.apt_mirror.rstrip("/"),))
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ()
    own = roots_from_targets(_apt("indextargets", "--format", _TARGET_FORMAT), origins(release))
    return with_security(own or roots_from_uris(_apt("--print-uris", "update"), release.get("VERSION_CODENAME", "")))


def with_security(roots: tuple[str, ...]) -> tuple[str, ...]:
    """The roots and, last, the neighbours where mirrors keep security updates, so that every host sees the same packages.

    A root that is a whole host has no neighbour.
    """
    neighbours = (f"{root}-security" for root in roots if urlsplit(root).path.strip("/") and not root.endswith("-security"))
    return _once([*roots, *neighbours])


def origins(os_release: Mapping[str, str]) -> frozenset[str]:
    """What the distribution's own archive calls itself, in lower case: this one and those that it is like."""
    return frozenset(f"{os_release.get('ID', '')} {os_release.get('ID_LIKE', '')}".lower().split())


def roots_from_targets(listing: str, wanted: frozenset[str]) -> tuple[str, ...]:
    """The archives in a listing of `$(REPO_URI) $(ORIGIN)` lines that are the distribution's own, each once."""
    rows = (line.split(maxsplit=1) for line in listing.splitlines())
    return _once(row[0] for row in rows if len(row) == 2 and row[1].strip().lower() in wanted)  # noqa: PLR2004 - url, origin


def roots_from_uris(listing: str, codename: str) -> tuple[str, ...]:
    """The same from `apt-get --print-uris update`, which answers before the first update too, but names no origins."""
    found = (_URI.match(line) for line in listing.splitlines())
    own = (codename, f"{codename}-updates", f"{codename}-security")
    return _once(match["root"] for match in found if codename and match and match["suite"] in own)


def _once(roots: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(root.rstrip("/") for root in roots if root.startswith(("http://", "https://"))))


def _apt(*arguments: str) -> str:
    try:
        done = subprocess.run(["apt-get", *arguments], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603, S607 - apt wherever it is
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
