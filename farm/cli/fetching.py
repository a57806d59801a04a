"""Fetching published archives to this host, by the bytes that were published."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from farm.errors import FarmError, StoreUnavailable
from farm.store import keys

if TYPE_CHECKING:
    from pathlib import Path

    from farm.store.artifact import ArchiveInfo
    from farm.store.keys import Published
    from farm.store.protocol import Store


def fetched(store: Store, build: Published, archive: ArchiveInfo, target: Path) -> Path:
    """One archive of a build as the file `target`. Raises StoreUnavailable without it, FarmError when its bytes are others."""
    cell, key = build.cell, f"{keys.artifact_folder(build.cell, build.build_id)}/{archive.name}"
    if not store.fetch(key, target):
        raise StoreUnavailable(f"{archive.name} of {cell} is listed and not in {store.name}", hint="is the store complete?")
    with target.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    if digest != archive.sha256:
        raise FarmError(f"{archive.name} in {store.name} has sha256 {digest}; {archive.sha256} was published")
    return target
