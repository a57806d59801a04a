"""Fetching published archives to this host, by the bytes that were published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.errors import StoreUnavailable
from farm.store import keys
from farm.store.sink import Content

if TYPE_CHECKING:
    from pathlib import Path

    from farm.store.artifact import ArchiveInfo
    from farm.store.keys import Published
    from farm.store.protocol import Store


def fetched(store: Store, build: Published, archive: ArchiveInfo, target: Path) -> Path:
    """One archive of a build as the file `target`. Raises StoreUnavailable, VerificationFailed."""
    cell, key = build.cell, f"{keys.artifact_folder(build.cell, build.build_id)}/{archive.name}"
    if not store.fetch(key, target, Content(archive.size, archive.sha256)):
        raise StoreUnavailable(f"{archive.name} of {cell} is listed and not in {store.name}", hint="is the store complete?")
    return target
