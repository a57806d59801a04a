"""What uv and people with sha256sum read, and what all renderers share. Pure: equal entries give equal bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from farm.index.model import INSTALLABLE
from farm.plan.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.index.model import Entry, Listed
    from farm.plan.recipe import Form

_UV_VARIANTS = {
    "default": None,
    "freethreaded": "freethreaded",
    "debug": "debug",
    "freethreaded-debug": "freethreaded+debug",
}
SMALL: tuple[Form, ...] = ("tar.zst", "tar.gz")  # for clients that unpack both


def newest(entries: Iterable[Entry]) -> list[Entry]:
    """The newest build of every cell, in the order of the cells. Older ones stay published, but clients shouldn't meet them.

    Nor those that were yanked.
    """
    latest: dict[str, Entry] = {}
    for entry in entries:
        if entry.yanked:
            continue
        if entry.cell not in latest or latest[entry.cell].build_id < entry.build_id:
            latest[entry.cell] = entry
    return sorted(latest.values(), key=lambda entry: Cell.parse(entry.cell).sort_key)


def uv_index(entries: Iterable[Entry], base_url: str) -> bytes:
    """uv's list of downloads: a map of free labels to downloads. No other key may stand at the top of it.

    uv reads it strictly: one value of a wrong type and it refuses the whole file
    (https://docs.astral.sh/uv/reference/settings/#python-downloads-json-url).
    """
    downloads: dict[str, object] = {}
    for entry, cell, archive in offers(entries, SMALL):
        if not entry.uv:
            continue
        version = cell.python
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
    """`SHA256SUMS` of the newest builds, with absolute urls."""
    archives = [archive for entry in newest(entries) for archive in entry.archives if archive.kind == INSTALLABLE]
    return sum_lines(archives, base_url)


def sum_lines(archives: Iterable[Listed], base_url: str) -> bytes:
    """Archives as `sha256sum` writes them, with absolute urls, in the order of these."""
    lines = sorted((url(base_url, archive.key), archive.sha256) for archive in archives)
    return "".join(f"{sha256}  {address}\n" for address, sha256 in lines).encode()


def offers(entries: Iterable[Entry], formats: tuple[Form, ...]) -> Iterator[tuple[Entry, Cell, Listed]]:
    """The newest builds, each with its cell and the archive to install, of the first of these formats that it has."""
    for entry in newest(entries):
        found = {archive.format: archive for archive in entry.archives if archive.kind == INSTALLABLE}
        if form := next((form for form in formats if form in found), None):
            yield entry, Cell.parse(entry.cell), found[form]


def url(base_url: str, key: str) -> str:
    """The absolute address of an object. Keys hold nothing that a url would have to escape."""
    return f"{base_url.rstrip('/')}/{key}"
