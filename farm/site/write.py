"""Brings the pages of a channel up to date. One publication changes the part of its own distro, and the pages of two builds."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

from farm.errors import Conflict
from farm.index import render
from farm.plan.cell import Cell
from farm.plan.facts import Facts, load_facts
from farm.settings import Settings
from farm.site import pages
from farm.site.model import Channel, distro_script
from farm.site.pages import Surroundings
from farm.store import catalog, keys
from farm.store.artifact import Artifact
from farm.store.writes import writes

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence

    from farm.index.model import Entry
    from farm.store.protocol import Stat, Store
    from farm.store.writes import Do

    _Files = Callable[[str], Sequence[Stat]]


def distro(store: Store, channel: str, name: str, current: Callable[[], list[Entry]], base_url: str) -> None:
    """One try to write all that a distro changes but the pages of its builds. Raises Conflict when somebody else wrote there.

    `current` reads what the channel offers; it is called after what is to be replaced was read, as for every file of clients.
    """
    facts = _facts()
    targets = {key: store.get(key) for key in (keys.site(channel, f"data/{name}.js"), keys.site(channel, "data/channel.js"))}
    script, shared = targets
    entries = current()
    _put(store, script, targets[script], distro_script(name, entries, channel, base_url, facts))
    found = targets[shared]
    known = Channel.parse(found[0]) if found else Channel(channel=channel)
    told = known.told(name, entries, base_url, facts)
    _put(store, shared, found, told.script())
    feed = keys.site(channel, "feed.atom")
    before = store.get(feed)
    if (now := store.get(shared)) and now[0] == told.script():
        _put(store, feed, before, pages.feed(told))
    else:
        raise Conflict(f"{shared} has changed")


def frame(store: Store, channel: str) -> None:
    """Write what is the same whatever is published, where this version of the farm has it otherwise."""
    wanted = {"index.html": pages.home(channel)} | {name: pages.asset(name) for name in pages.ASSETS}
    for name, data in wanted.items():
        key = keys.site(channel, name)
        if (found := store.get(key)) is None or found[0] != data:
            store.put(key, data)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's garbage collector, which would search each of thousands of documents that are read and dropped."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@_uncollected()
def builds(store: Store, channel: str, entries: Iterable[Entry], base_url: str, only: Container[str] | None = None) -> None:
    """Write the pages of builds, given all of their cells that there are; with `only` those of these build ids."""
    by_cell: dict[str, list[Entry]] = {}
    for entry in entries:
        by_cell.setdefault(entry.cell, []).append(entry)
    files = _listing(store, by_cell, every=only is None)
    with writes() as soon:
        for same in by_cell.values():
            _builds_of_a_cell(store, channel, base_url, files, only, same, soon)


def _builds_of_a_cell(
    store: Store, channel: str, base_url: str, files: _Files, only: Container[str] | None, same: Iterable[Entry], soon: Do
) -> None:
    facts = _facts()
    ordered = sorted(same, key=lambda entry: entry.build_id)
    offered = next((entry.build_id for entry in render.newest(ordered)), "")
    artifact = lru_cache(maxsize=3)(partial(_artifact, store))  # each is the one before of the next, too
    befores: list[Entry | None] = [None, *ordered]
    for before, entry in zip(befores, ordered, strict=False):
        if only is None or entry.build_id in only:
            key = page(channel, entry.cell, entry.build_id)
            found = store.get(key)
            around = Surroundings(
                files=files(keys.artifact_folder(Cell.parse(entry.cell), entry.build_id)),
                artifact=artifact(entry.metadata),
                newer=offered if offered > entry.build_id else "",
                before=before.build_id if before else "",
                artifact_before=artifact(before.metadata) if before else None,
            )
            soon(partial(_put, store, key, found, pages.build(entry, around, channel, base_url, facts)))


def page(channel: str, cell: str, build_id: str) -> str:
    """The key of a build's page."""
    return keys.site(channel, f"builds/{cell}/{build_id}.html")


def _listing(store: Store, cells: Iterable[str], *, every: bool) -> _Files:
    """What lies in a build's folder: asked for folder by folder, or where every one is wanted in a listing for each distro."""
    if not every:
        return lambda folder: list(store.list(f"{folder}/"))
    found: dict[str, list[Stat]] = {}
    for name in sorted({Cell.parse(cell).distro for cell in cells}):
        for stat in store.list(keys.artifacts(name)):
            found.setdefault(stat.key.rpartition("/")[0], []).append(stat)
    return lambda folder: found.get(folder, ())


def _artifact(store: Store, key: str) -> Artifact | None:
    found = catalog.load(store, key, Artifact)
    return found[0] if found else None


def _put(store: Store, key: str, found: tuple[bytes, str] | None, data: bytes) -> None:
    if found is None or found[0] != data:
        store.put(key, data, if_absent=not found, if_match=found[1] if found else "")


@cache
def _facts() -> Facts:
    return load_facts(Settings().facts)
