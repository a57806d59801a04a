"""A channel's index from what is published, at once and whatever it said before: for copies of stores, and damaged ones."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from farm.index import growth, update
from farm.index.model import Pointer, Shard, ShardRef
from farm.plan.cell import Cell
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from farm.index.model import Entry
    from farm.store.protocol import Store


def rebuild(store: Store, channel: str, entries: Callable[[], Iterable[Entry]], clock: Callable[[], datetime]) -> bool:
    """Have the channel list these entries and no others; gives whether that changed it.

    `entries` is called after the pointer was read, perhaps several times: what is published meanwhile is not lost. The files of
    clients are `farm.index.update.rewrite`'s. Raises StoreUnavailable.
    """
    said: list[bool] = []
    update.until_it_holds(store, channel, partial(_once, store, channel, entries, clock, said))
    return said[-1]


def _once(
    store: Store, channel: str, entries: Callable[[], Iterable[Entry]], clock: Callable[[], datetime], said: list[bool]
) -> None:
    key = keys.channel_pointer(channel)
    found = store.get(key)
    before = _pointer(found[0] if found else b"")
    shards, written = _shards(channel, entries())
    refs = []
    for (distro, series), shard in sorted(shards.items()):
        data = growth.rendered(shard)
        sha256 = hashlib.sha256(data).hexdigest()
        ref = ShardRef(distro=distro, series=series, key=keys.shard(channel, distro, series, sha256), sha256=sha256)
        written[ref.key] = data
        refs.append(ref)
    for ref_key, data in written.items():
        there = store.get(ref_key)
        if there is None or there[0] != data:
            store.put(ref_key, data)
    said.append(before is None or before.shards != tuple(refs))
    if not said[-1]:
        return
    serial = before.serial if before else _last_serial(store, channel, clock)
    pointer = Pointer(channel=channel, serial=serial + 1, updated=f"{clock():%Y-%m-%dT%H:%M:%SZ}", shards=tuple(refs))
    store.put(key, growth.rendered(pointer), if_absent=found is None, if_match=found[1] if found else "")
    for ref_key, data in written.items():
        if store.get(ref_key) is None:  # as publishers do: see farm.audit.remove
            store.put(ref_key, data)


def _shards(channel: str, entries: Iterable[Entry]) -> tuple[dict[tuple[str, str], Shard], dict[str, bytes]]:
    """The shards, by distro and series, and the pages of older builds that they name, by key."""
    builds: dict[Cell, list[Entry]] = {}
    for entry in entries:
        builds.setdefault(Cell.parse(entry.cell), []).append(entry)
    shards: dict[tuple[str, str], Shard] = {}
    pages: dict[str, bytes] = {}
    for cell, group in builds.items():
        place = cell.distro, cell.python.series
        shard = shards.get(place) or Shard(channel=channel, distro=cell.distro, series=cell.python.series)
        shards[place], written = growth.taken_in(shard, sorted(group, key=lambda each: each.build_id))
        pages |= written
    return shards, pages


def _pointer(data: bytes) -> Pointer | None:
    with suppress(ValidationError):
        return Pointer.model_validate_json(data)
    return None


def _last_serial(store: Store, channel: str, clock: Callable[[], datetime]) -> int:
    """The serial that readers may have seen: the signed index's, or one that is above any count of changes."""
    if found := store.get(keys.signed_pointer(channel)):
        with suppress(ValueError, KeyError, TypeError):
            return int(json.loads(base64.b64decode(json.loads(found[0])["payload"]))["serial"])
    return int(clock().timestamp())
