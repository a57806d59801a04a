"""Brings a published build into its channel: a new shard, then the pointer, then the files that clients read.

A reader that follows pointer, shard, archive finds each of them, whenever it looks: what is pointed at is written first and
never changes. The cost is that of what one distro offers, however much was ever published: older builds lie in pages
that are left alone.
"""

from __future__ import annotations

import hashlib
import tempfile
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from farm.errors import Conflict, FarmError, StoreUnavailable
from farm.export.table import FILES
from farm.index import clients, growth, oci, signatures
from farm.index.model import Entry, Shard, ShardRef
from farm.index.reading import current, distros, each_part_once, entries, pointer_of, shard_at
from farm.plan.cell import Cell
from farm.site import write as site
from farm.store import catalog, keys
from farm.store.artifact import Yank

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from datetime import datetime

    from farm.sign.keys import Signer
    from farm.store.protocol import Store

_KEY = itemgetter(1)
_TRIES = 60
_LONGEST_WAIT_S = 1.0


def add(
    store: Store,
    channel: str,
    entry: Entry,
    *,
    base_url: str,
    clock: Callable[[], datetime],
    signer: Signer | None = None,
) -> None:
    """Have the channel list this build, whose bytes are in the store. Nothing changes when it does already.

    Many publishers may do so at once. Raises StoreUnavailable, and BadInput without a signer where one has signed before.
    """
    cell = Cell.parse(entry.cell)
    signatures.check_signer(store, channel, signer)
    with each_part_once():
        until_it_holds(store, channel, partial(_point, store, channel, entry, clock))
        write_image(store, entry)
        pending = [(export, export.key(channel, cell)) for export in FILES]
        offered = partial(current, store, channel, cell.distro)
        until_it_holds(store, channel, partial(clients.write, store, channel, offered, pending, base_url))
        if signer:
            until_it_holds(store, channel, partial(signatures.write, store, channel, cell.distro, signer))
        _show(store, channel, cell.distro, base_url)
        until_it_holds(store, channel, partial(_show_build, store, channel, cell, entry.build_id, base_url))


def rewrite(store: Store, channel: str, *, base_url: str, signer: Signer | None = None) -> int:
    """Write the files of all clients anew from what the channel lists; gives how many there are. Raises StoreUnavailable."""
    signatures.check_signer(store, channel, signer)
    written = set()
    # Before the pointer is read: what it does not list then is gone.
    shown = {stat.key for stat in store.list(keys.site(channel, "builds/"))}
    registry = frozenset(stat.key for stat in store.list(keys.oci()))
    for distro in distros(store, channel):
        listed = entries(store, channel, distro)
        for entry in listed:
            if not entry.yanked:
                write_image(store, entry, registry)
        pending = sorted(
            {(export, export.key(channel, Cell.parse(entry.cell))) for export in FILES for entry in listed}, key=_KEY
        )
        written |= {key for _, key in pending}
        offered = partial(current, store, channel, distro)
        until_it_holds(store, channel, partial(clients.write, store, channel, offered, pending, base_url))
        if signer:
            until_it_holds(store, channel, partial(signatures.write, store, channel, distro, signer))
        _show(store, channel, distro, base_url)
        until_it_holds(store, channel, partial(site.builds, store, channel, listed, base_url))
        shown -= {site.page(channel, entry.cell, entry.build_id) for entry in listed}
    for key in shown:
        store.delete(key)
    return len(written)


def shard_keys(store: Store, channel: str) -> set[str]:
    """The parts of its index that a channel names now: shards, and the pages of older builds that they name."""
    refs = pointer_of(store, channel)[0].shards
    return {ref.key for ref in refs} | {page.key for ref in refs for page in shard_at(store, ref).older}


def _point(store: Store, channel: str, entry: Entry, clock: Callable[[], datetime]) -> None:
    """One try to write the shard and move the pointer to it. Raises Conflict when somebody else moved it."""
    cell = Cell.parse(entry.cell)
    pointer, etag = pointer_of(store, channel)
    ref = pointer.shard(cell.distro, cell.python.series)
    shard = shard_at(store, ref) if ref else Shard(channel=channel, distro=cell.distro, series=cell.python.series)
    found = catalog.load(store, keys.yank(cell, entry.build_id), Yank)
    entry = entry.model_copy(update={"yanked": found[0].reason if found else ""})
    grown, pages = growth.grown(shard, entry, lambda page: shard_at(store, page).entries)
    if grown == shard:
        return
    known = {page.key for page in shard.older}
    fresh = {key: pages[key] for key in pages.keys() - known}
    for name, page in fresh.items():
        clients.write_named_by_content(store, name, page)
    data = growth.rendered(grown)
    sha256 = hashlib.sha256(data).hexdigest()
    key = keys.shard(channel, cell.distro, cell.python.series, sha256)
    clients.write_named_by_content(store, key, data)
    moved = pointer.moved(
        ShardRef(distro=cell.distro, series=cell.python.series, key=key, sha256=sha256), f"{clock():%Y-%m-%dT%H:%M:%SZ}"
    )
    store.put(keys.channel_pointer(channel), growth.rendered(moved), if_absent=not etag, if_match=etag)
    # Who collects garbage may have seen them named by nothing a moment ago (`farm.audit.remove`).
    for name, part in {**fresh, key: data}.items():
        clients.write_named_by_content(store, name, part)


def write_image(store: Store, entry: Entry, there: Container[str] | None = None) -> None:
    """Write what tags of the registry will name. The layer is the archive once more, because a registry has its own names.

    Who writes many names what is there already, instead of having the store asked for each.
    """
    if (image := oci.image(entry)) is None:
        return
    layer = keys.oci_blob(f"sha256:{image.layer.sha256}")
    if there is None:
        there = {stat.key for stat in store.list(layer)}
    if layer not in there:
        with tempfile.TemporaryDirectory(prefix="farm-oci-") as folder:
            path = Path(folder) / "layer"
            if not store.fetch(image.layer.key, path):
                raise FarmError(
                    f"{image.layer.key} is missing from the store {store.name}", hint="restore it, then run it again"
                )
            clients.write_named_by_content(store, layer, path)
    for key, data in {
        keys.oci_blob(oci.digest(image.config)): image.config,
        keys.oci_manifest(oci.digest(image.manifest)): image.manifest,
    }.items():
        if key not in there:
            clients.write_named_by_content(store, key, data)


def _show(store: Store, channel: str, distro: str, base_url: str) -> None:
    """Bring what people look at up to date, but for the pages of builds."""
    offered = partial(current, store, channel, distro)
    until_it_holds(store, channel, partial(site.distro, store, channel, distro, offered, base_url))
    site.frame(store, channel)


def _show_build(store: Store, channel: str, cell: Cell, build_id: str, base_url: str) -> None:
    """One try to write the page of a build, and of those whose page names it."""
    ref = pointer_of(store, channel)[0].shard(cell.distro, cell.python.series)
    shard = shard_at(store, ref) if ref else Shard(channel=channel, distro=cell.distro, series=cell.python.series)
    standing = [entry for entry in shard.entries if entry.cell == str(cell)]
    pages = [page for page in shard.older if page.cell == str(cell)]
    first = next((at for at, page in enumerate(pages) if build_id <= page.last), len(pages))
    older = [entry for page in pages[max(0, first - 1) :] for entry in shard_at(store, page).entries]
    only = {build_id, *(entry.build_id for entry in growth.kept(standing))}
    site.builds(store, channel, [*older, *standing], base_url, only)


def until_it_holds(store: Store, channel: str, attempt: Callable[[], None]) -> None:
    """Try again as long as somebody else was faster. Raises StoreUnavailable when that does not end."""
    again = Retrying(
        retry=retry_if_exception_type(Conflict),
        stop=stop_after_attempt(_TRIES),
        wait=wait_random_exponential(0.02, max=_LONGEST_WAIT_S),
    )
    try:
        again(attempt)
    except RetryError:
        raise StoreUnavailable(
            f"the indexes of the channel '{channel}' change too often in the store {store.name}", hint="run it again"
        ) from None
