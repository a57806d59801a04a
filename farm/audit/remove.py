"""Removes what a store no longer needs, in an order that leaves no promise without bytes, whenever it is cut off."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from farm.audit import repair
from farm.audit.collect import Retired
from farm.errors import Conflict
from farm.index import growth, update
from farm.publish import identity
from farm.store import catalog, keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.audit.collect import Garbage
    from farm.audit.repair import Means
    from farm.store.protocol import Store

_LOCK_S = 6 * 3600.0


def remove(store: Store, garbage: Garbage, means: Means) -> None:
    """Retire, condemn and remove what was found. Safe to repeat, and while others publish. Raises Conflict."""
    with _alone(store, means.clock().timestamp()):
        _retire(store, garbage, means)
        for key in garbage.drop:
            _drop(store, key)
        for note in garbage.notes:
            store.delete(note)
        _bring_back_images(store, garbage, means)


def _retire(store: Store, garbage: Garbage, means: Means) -> None:
    """No index lists them, then nobody may go on publishing them, then the catalog forgets them; their files stay for now."""
    gone = {build.key for build in garbage.retire}
    for channel in sorted({build.channel for build in garbage.retire}):
        repair.relist(store, channel, means, without=gone)
    for note, doomed in garbage.condemn.items():
        if doomed.claims:
            identity.take_back(store, doomed.claims, doomed.build_id)
        if store.get(note) is None:
            store.put(note, growth.rendered(Retired(when=means.clock().timestamp(), files=doomed.files)))
    for build in garbage.retire:
        store.delete(build.key)


def _drop(store: Store, key: str) -> None:
    """Remove an object; a part of an index that a publisher named at this very moment is put back.

    Publishers look again after they moved a pointer, so that one of both sees what the other did.
    """
    kept = store.get(key) if keys.is_shard(key) else None
    store.delete(key)
    if kept and key in update.shard_keys(store, key.split("/")[1]):
        store.put(key, kept[0])


def _bring_back_images(store: Store, garbage: Garbage, means: Means) -> None:
    """A build that was published since the look began may have found its layer there, which is gone now."""
    for build in catalog.published(store):
        if build.key not in garbage.stats:
            update.write_image(store, means.entry_of(catalog.artifact(store, build)))


@contextmanager
def _alone(store: Store, now: float) -> Iterator[None]:
    """One at a time; a lock that a dead one left is taken over after six hours."""
    key = keys.collecting()
    found = store.get(key)
    if found and now - float(found[0]) < _LOCK_S:
        raise Conflict(f"somebody else collects garbage in {store.name}", hint=f"if not, remove {key}, or wait six hours")
    etag = store.put(key, f"{now}".encode(), if_absent=found is None, if_match=found[1] if found else "")
    try:
        yield
    finally:
        held = store.get(key)
        if held and held[1] == etag:
            store.delete(key)
