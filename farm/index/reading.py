"""What a channel's index lists, read part by part: pointer, shards, and the pages of older builds."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from farm.errors import FarmError
from farm.index.model import Entry, Older, Pointer, Shard, ShardRef
from farm.plan.cell import Cell
from farm.store import catalog, keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.protocol import Store

_read: ContextVar[dict[str, Shard] | None] = ContextVar("parts that were read already", default=None)


def channels(store: Store) -> list[str]:
    """The channels that have an index."""
    names = (stat.key.split("/")[1] for stat in store.list(keys.channels()))
    return sorted(set(names))


def distros(store: Store, channel: str) -> list[str]:
    """What a channel lists builds for."""
    return sorted({ref.distro for ref in pointer_of(store, channel)[0].shards})


def entries(store: Store, channel: str, distro: str) -> list[Entry]:
    """All builds that a channel lists for a distro, ordered by cell and build id."""
    shards = _shards(store, channel, distro)
    older = [entry for shard in shards for ref in shard.older for entry in shard_at(store, ref).entries]
    everything = [*older, *(entry for shard in shards for entry in shard.entries)]
    return sorted(everything, key=lambda entry: (Cell.parse(entry.cell).sort_key, entry.build_id))


def current(store: Store, channel: str, distro: str) -> list[Entry]:
    """The builds that a channel offers for a distro, and the last ones before them."""
    return [entry for shard in _shards(store, channel, distro) for entry in shard.entries]


def listed(store: Store, channel: str, cell: Cell, build_id: str) -> Entry | None:
    """A build as a channel lists it; None when it does not."""
    ref = pointer_of(store, channel)[0].shard(cell.distro, cell.python.series)
    shard = shard_at(store, ref) if ref else Shard(channel=channel, distro=cell.distro, series=cell.python.series)
    pages = [page for page in shard.older if page.cell == str(cell) and page.first <= build_id <= page.last]
    found = [*shard.entries, *(entry for page in pages for entry in shard_at(store, page).entries)]
    return next((entry for entry in found if (entry.cell, entry.build_id) == (str(cell), build_id)), None)


def pointer_of(store: Store, channel: str) -> tuple[Pointer, str]:
    """A channel's pointer and its etag; one that names nothing, and '', before its first build."""
    return catalog.load(store, keys.channel_pointer(channel), Pointer) or (Pointer(channel=channel), "")


def _shards(store: Store, channel: str, distro: str) -> list[Shard]:
    return [shard_at(store, ref) for ref in pointer_of(store, channel)[0].shards if ref.distro == distro]


@contextmanager
def each_part_once() -> Iterator[None]:
    """Read no part of an index twice: what a key names never changes, and several steps want the same parts."""
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def shard_at(store: Store, ref: ShardRef | Older) -> Shard:
    """The part of an index that a pointer or a shard names. Raises FarmError when it is missing."""
    known = _read.get()
    if known is None:
        return _fetched(store, ref)
    if ref.key not in known:
        known[ref.key] = _fetched(store, ref)
    return known[ref.key]


def _fetched(store: Store, ref: ShardRef | Older) -> Shard:
    if (found := catalog.load(store, ref.key, Shard)) is None:
        raise FarmError(f"{ref.key} is missing from the store {store.name}", hint="restore it: the channel's pointer names it")
    return found[0]
