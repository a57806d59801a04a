"""Made-up stores and matrices of any size, in the proportions of a real farm: most builds are rebuilds of known cells."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from farm.index import growth
from farm.index.model import Entry, Listed, Pointer, Shard, ShardRef
from farm.plan.cell import Cell
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.store.protocol import Store

DISTROS = tuple(f"debian{number}" for number in range(11, 15)) + tuple(f"ubuntu{number}.04" for number in range(18, 30, 2))
SERIES = tuple(f"3.{minor}" for minor in range(9, 16))
PATCHES = 15
ARCHES = {"amd64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
PACKAGES = ("ca-certificates", "libbz2-1.0", "libffi8", "liblzma5", "libsqlite3-0", "libssl3", "zlib1g")
_FORMS = {
    "install_only": ("tar.gz", "tar.zst"),
    "debugsymbols": ("tar.zst",),
    "tests": ("tar.zst",),
    "static-lib": ("tar.zst",),
}


def now() -> datetime:
    return datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


def cells() -> Iterator[Cell]:
    """Every cell of the made-up matrix, 2,100 in all, those of all distros mixed."""
    for patch, series, distro, arch in itertools.product(range(PATCHES), SERIES, DISTROS, ARCHES):
        yield Cell.parse(f"{series}.{patch}-{distro}-{arch}")


def entries(count: int) -> list[Entry]:
    """So many builds: first one of each cell, then one rebuild after the other."""
    rounds = itertools.cycle(list(cells()))
    total = sum(1 for _ in cells())
    return [entry(cell, at // total) for at, cell in zip(range(count), rounds, strict=False)]


def entry(cell: Cell, rebuild: int) -> Entry:
    """A build as real ones are listed: as many archives, names as long, hashes that do not compress."""
    day = now() - timedelta(days=700) + timedelta(days=7 * rebuild)
    build_id, triple = f"{day:%Y%m%d}01", ARCHES[cell.arch]
    folder = keys.artifact_folder(cell, build_id)

    def archive(kind: str, form: str) -> Listed:
        key = f"{folder}/{keys.archive_name(cell, triple, build_id, kind, form)}"  # type: ignore[arg-type]
        return Listed(kind=kind, format=form, key=key, size=21_000_000, sha256=_sha256(key), tar_sha256=_sha256(key + "tar"))

    return Entry(
        cell=str(cell),
        build_id=build_id,
        created=f"{day:%Y-%m-%dT%H:%M:%SZ}",
        triple=triple,
        recipe=_sha256(f"{cell} {rebuild}"),  # facts changed, or there would be no rebuild but for the distro's inputs
        inputs=_sha256(f"{cell.distro} {day}"),
        uv=True,
        metadata=f"{folder}/{keys.metadata_name(cell, triple, build_id)}",
        runtime=PACKAGES,
        archives=tuple(archive(kind, form) for kind, forms in _FORMS.items() for form in forms),
    ).lean()


def fill(store: Store, channel: str, made: Iterable[Entry]) -> Pointer:
    """Write the shards, pages and pointer that publishing these builds one by one would have left."""
    by_shard: dict[tuple[str, str], dict[str, list[Entry]]] = {}
    for each in made:
        cell = Cell.parse(each.cell)
        by_shard.setdefault((cell.distro, cell.python.series), {}).setdefault(each.cell, []).append(each)
    pointer = Pointer(channel=channel)
    for (distro, series), by_cell in by_shard.items():
        shard = Shard(channel=channel, distro=distro, series=series)
        for builds in by_cell.values():
            shard, pages = growth.taken_in(shard, builds)
            for key, data in pages.items():
                store.put(key, data)
        data = growth.rendered(shard)
        sha256 = hashlib.sha256(data).hexdigest()
        key = keys.shard(channel, distro, series, sha256)
        store.put(key, data)
        pointer = pointer.moved(ShardRef(distro=distro, series=series, key=key, sha256=sha256), "2026-11-22T15:30:00Z")
    store.put(keys.channel_pointer(channel), growth.rendered(pointer))
    return pointer


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
