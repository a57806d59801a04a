"""The same archives as container images: what a read-only registry serves, as plain objects. Pure.

An image has one layer, which is the `.tar.gz` as it was published, so a pull gets the verified bytes. There is no system in it:
it is for `COPY --from=…/python:3.13-debian13 /python /opt/python`. https://github.com/opencontainers/image-spec
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.index import render
from farm.index.model import INSTALLABLE, LAYERED, Listed
from farm.plan.cell import Cell
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.index.model import Entry

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_PLAIN_CHANNEL = "stable"  # whose tags have no channel in them
_PATH = "/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """A build as an image: the archive that is its layer, and the two documents about it."""

    layer: Listed
    config: bytes
    manifest: bytes


def image(entry: Entry) -> Image | None:
    """A build as an image; None when it has no `.tar.gz` whose tar is known."""
    layer = next((a for a in entry.archives if (a.kind, a.format) == (INSTALLABLE, LAYERED) and a.tar_sha256), None)
    if layer is None:
        return None
    cell = Cell.parse(entry.cell)
    labels = {
        "org.opencontainers.image.title": "python",
        "org.opencontainers.image.version": str(cell.python),
        "org.opencontainers.image.revision": entry.build_id,
        "org.opencontainers.image.licenses": "PSF-2.0",
    }
    config = {
        "created": entry.created,
        "architecture": cell.arch,
        "os": "linux",
        "config": {"Env": [f"PATH={_PATH}"], "Cmd": ["/python/bin/python3"], "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.tar_sha256}"]},
        "history": [{"created": entry.created, "comment": f"{entry.cell}, build {entry.build_id}"}],
    }
    config_data = _json(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor(CONFIG, config_data),
        "layers": [{"mediaType": LAYER, "digest": f"sha256:{layer.sha256}", "size": layer.size}],
        "annotations": labels,
    }
    return Image(layer, config_data, _json(manifest))


def index(entries: Iterable[Entry], _: str = "") -> bytes:
    """What a tag names: the newest image for each arch, of the newest version among the entries that there is for the arch."""
    newest: dict[str, Entry] = {}
    for entry in render.newest(entries):  # in order of version
        newest[Cell.parse(entry.cell).arch] = entry
    found = [(arch, made) for arch, entry in sorted(newest.items()) if (made := image(entry))]
    manifests = [
        _descriptor(MANIFEST, made.manifest) | {"platform": {"architecture": arch, "os": "linux"}} for arch, made in found
    ]
    return _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})


def release_tag(channel: str, cell: Cell) -> str:
    """The key of the tag of an exact version, e.g. that of `3.13.5-debian13`."""
    return keys.oci_manifest(_tag(channel, str(cell.python), cell))


def series_tag(channel: str, cell: Cell) -> str:
    """The key of the tag of a series, e.g. that of `3.13-debian13`; for another channel that of `dev-3.13-debian13`."""
    return keys.oci_manifest(_tag(channel, cell.python.series, cell))


def digest(data: bytes) -> str:
    """The name of a document by its content."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _tag(channel: str, python: str, cell: Cell) -> str:
    before = "" if channel == _PLAIN_CHANNEL else f"{channel}-"
    variant = "" if cell.variant == "default" else f"{cell.variant}-"
    return f"{before}{python}-{variant}{cell.distro}"


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
