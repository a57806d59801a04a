"""The images of a channel as an OCI image layout: a folder that skopeo, buildx, crane and oras take for a registry.

The same bytes as in the store's registry. https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from farm.index import oci, render
from farm.plan.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from farm.index.model import Entry, Listed

_VERSION = b'{"imageLayoutVersion":"1.0.0"}'
_NAME = "org.opencontainers.image.ref.name"


def tags(channel: str, entries: Iterable[Entry]) -> dict[str, bytes]:
    """The index of images that each tag names, by tag. Pure."""
    shared: dict[str, list[Entry]] = {}
    for entry in entries:
        for key in (oci.release_tag, oci.series_tag):
            shared.setdefault(key(channel, Cell.parse(entry.cell)).rpartition("/")[2], []).append(entry)
    return {tag: oci.index(group) for tag, group in sorted(shared.items())}


def write(folder: Path, channel: str, entries: Iterable[Entry], archive: Callable[[Listed], Path]) -> list[str]:
    """Write the newest builds among the entries as a layout; gives its tags. `archive` gives an archive that was verified."""
    offered = render.newest(entries)
    found = tags(channel, offered)
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for image in filter(None, map(oci.image, offered)):
        for data in (image.config, image.manifest):
            _put(blobs, data)
        _link(archive(image.layer), blobs / image.layer.sha256)
    manifests = []
    for tag, data in found.items():
        _put(blobs, data)
        named = {"mediaType": oci.INDEX, "digest": oci.digest(data), "size": len(data), "annotations": {_NAME: tag}}
        manifests.append(named)
    index = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": manifests}
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    (folder / "oci-layout").write_bytes(_VERSION)
    return list(found)


def _put(blobs: Path, data: bytes) -> None:
    (blobs / oci.digest(data).removeprefix("sha256:")).write_bytes(data)


def _link(source: Path, target: Path) -> None:
    """The same file, or a copy of it where the cache lies on another disk."""
    if target.exists():
        return
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)
