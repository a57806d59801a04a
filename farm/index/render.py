"""What clients read, rendered from a channel's entries. Pure: equal entries give equal bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.index.model import Entry
from farm.plan.cell import Cell
from farm.store import keys

if TYPE_CHECKING:
    from farm.index.model import Listed

INSTALLABLE = "install_only"
_UV_VARIANTS = {
    "default": None,
    "freethreaded": "freethreaded",
    "debug": "debug",
    "freethreaded-debug": "freethreaded+debug",
}
_UV_FORMATS = ("tar.zst", "tar.gz")  # the smaller one first


@dataclass(frozen=True)
class Flat:
    """A file that one kind of client reads: its key for a channel and distro, and what is in it."""

    key: Callable[[str, str], str]
    render: Callable[[Iterable[Entry], str], bytes]


def newest(entries: Iterable[Entry]) -> list[Entry]:
    """The newest build of every cell, in the order of the cells. Older ones stay published, but clients shouldn't meet them."""
    latest: dict[str, Entry] = {}
    for entry in entries:
        if entry.cell not in latest or latest[entry.cell].build_id < entry.build_id:
            latest[entry.cell] = entry
    return sorted(latest.values(), key=lambda entry: Cell.parse(entry.cell).sort_key)


def uv_index(entries: Iterable[Entry], base_url: str) -> bytes:
    """uv's list of downloads: a map of free labels to downloads. No other key may stand at the top of it.

    uv reads it strictly: one value of a wrong type and it refuses the whole file
    (https://docs.astral.sh/uv/reference/settings/#python-downloads-json-url).
    """
    downloads: dict[str, object] = {}
    for entry in newest(entries):
        archive = _preferred(entry)
        if not entry.uv or archive is None:
            continue
        cell, version = Cell.parse(entry.cell), Cell.parse(entry.cell).python
        family, _, system, libc = entry.triple.split("-")
        variant = _UV_VARIANTS[cell.variant]
        label = f"cpython-{version}{f'+{variant}' if variant else ''}-{system}-{family}-{libc}"
        downloads[label] = {
            "name": "cpython",
            "arch": {"family": family, "variant": None},
            "os": system,
            "libc": libc,
            "major": version.major,
            "minor": version.minor,
            "patch": version.patch,
            "prerelease": version.pre,
            "url": url(base_url, archive.key),
            "sha256": archive.sha256,
            "variant": variant,
            "build": entry.build_id,
        }
    return (json.dumps(downloads, indent=1) + "\n").encode()


def sums(entries: Iterable[Entry], base_url: str) -> bytes:
    """`SHA256SUMS` of the newest builds, with absolute urls: what rules_python takes as a runtime manifest."""
    archives = [archive for entry in newest(entries) for archive in entry.archives if archive.kind == INSTALLABLE]
    lines = sorted(f"{archive.sha256}  {url(base_url, archive.key)}\n" for archive in archives)
    return "".join(sorted(lines, key=lambda line: line.partition("  ")[2])).encode()


def url(base_url: str, key: str) -> str:
    """The absolute address of an object. Keys hold nothing that a url would have to escape."""
    return f"{base_url.rstrip('/')}/{key}"


def _preferred(entry: Entry) -> Listed | None:
    found = {archive.format: archive for archive in entry.archives if archive.kind == INSTALLABLE}
    return next((found[form] for form in _UV_FORMATS if form in found), None)


FLATS = (Flat(keys.uv_index, uv_index), Flat(keys.sums, sums))
