"""Releases in a Debian mirror's index of sources, whose signature is checked down to the sha256 of each source archive."""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from farm.errors import BadInput, Transient
from farm.plan.cell import Version
from farm.store.urls import without_secrets
from workers.pins.release import Release

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from farm.settings import Settings

INDEX = "main/source/Sources.xz"
_PACKAGE = re.compile(r"python(?P<series>\d+\.\d+)$")
_UPSTREAM = re.compile(r"(?P<upstream>[\d.]+(?:~?(?:a|b|rc)\d+)?)-[^-]+$")
_ORIG = re.compile(r"^ (?P<sha256>[0-9a-f]{64}) \d+ (?P<file>\S+\.orig\.tar\.(?P<packed>xz|gz))$", re.MULTILINE)
_PACKED = {"xz": "tar.xz", "gz": "tgz"}  # as python.org calls the same bytes


def releases(roots: Iterable[str], suites: Iterable[str], keyring: str, settings: Settings) -> Iterator[Release]:
    """Every release of CPython in the suites, each suite from the first root that has it.

    Raises BadInput without gpgv or the keyring, Transient when no root answers or what it answers is not what was signed.
    """
    roots = tuple(roots)
    for suite in suites:
        for root in roots:
            base = f"{root}/dists/{suite}"
            signed = _get(f"{base}/InRelease", settings)
            if signed is not None:
                wanted = index_sha256(_verified(signed, keyring))
                yield from read_index(_index(base, wanted, settings), where=f"{without_secrets(root)} {suite}")
                break


def _index(base: str, wanted: str, settings: Settings) -> str:
    packed = _get(f"{base}/{INDEX}", settings) or b""
    if hashlib.sha256(packed).hexdigest() != wanted:
        raise Transient(
            f"{without_secrets(base)}/{INDEX} is not what its mirror signed", hint="is the mirror being updated? try again"
        )
    return lzma.decompress(packed).decode("utf-8", "replace")


def _verified(signed: bytes, keyring: str) -> str:
    """The text that the keyring's keys have signed."""
    if not shutil.which("gpgv") or not Path(keyring).is_file():
        raise BadInput(
            f"a mirror's signature cannot be checked without gpgv and {keyring}",
            hint=f"apt-get install gpgv {Path(keyring).stem}; nothing is pinned that nobody signed",
        )
    command = ["gpgv", "--quiet", "--keyring", keyring, "--output", "-"]
    done = subprocess.run(command, input=signed, capture_output=True, check=False)  # noqa: S603 - a command of ours
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Transient(f"the mirror's InRelease is not signed by {keyring}: {' '.join(last)}", hint="is it another mirror's?")
    return done.stdout.decode("utf-8", "replace")


def index_sha256(release: str) -> str:
    """The sha256 that a Release file tells of the index of sources. Raises Transient when it tells none."""
    for line in release.partition("SHA256:")[2].splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == INDEX:  # noqa: PLR2004 - sha256, size, name
            return words[0]
    raise Transient(f"the mirror's Release file says nothing of {INDEX}")


def read_index(text: str, where: str) -> Iterator[Release]:
    """The releases in an index of sources; upstream's own archives only, no repacked ones."""
    for stanza in text.split("\n\n"):
        if not stanza.startswith("Package: python"):
            continue
        fields = _fields(stanza)
        named = _PACKAGE.match(fields.get("Package", ""))
        upstream = _UPSTREAM.fullmatch(fields.get("Version", "").rpartition(":")[2])
        orig = _ORIG.search(stanza.partition("Checksums-Sha256:")[2])
        if not (named and upstream and orig):
            continue
        try:
            version = Version.parse(upstream["upstream"].replace("~", ""))
        except BadInput:
            continue
        pool = f"{fields['Directory']}/{orig['file']}"
        yield Release(version, _PACKED[orig["packed"]], orig["sha256"], where, pool)


def _fields(stanza: str) -> Mapping[str, str]:
    lines = (line.partition(": ") for line in io.StringIO(stanza) if not line.startswith(" "))
    return {name: value.strip() for name, _, value in lines}


def _get(url: str, settings: Settings) -> bytes | None:
    """What is there; None when nothing is. Raises Transient when nobody answers."""
    try:
        answer = requests.get(url, timeout=(10, 60), verify=settings.ca_bundle or True)
    except requests.RequestException as error:
        raise Transient(f"the mirror does not answer: {without_secrets(url)}", hint="FARM_APT_MIRROR names another") from error
    return answer.content if answer.status_code == requests.codes.ok else None
