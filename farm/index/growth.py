"""How a shard takes in a build, at a cost that does not depend on how many there are. Pure: loading is an argument.

Of each cell the shard itself keeps the newest builds and the newest one that is offered. When there are enough others they go
to pages of the cell: shards of their own, which fill up one after the other and are left alone then, unless a build in one is
yanked. Fewer stay in the shard, because a page of one build is as large as the ten that it compresses with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from farm.index.model import Entry, Older, Shard
from farm.plan.cell import Cell
from farm.store import keys

if TYPE_CHECKING:
    from pydantic import BaseModel

KEPT = 2  # builds of a cell in the shard: what is offered, and the one before
PAGE = 64  # builds of a cell in a page
LEAST = 8  # builds for which there is a page

Load = Callable[[Older], Iterable[Entry]]  # the builds of a page


def grown(shard: Shard, entry: Entry, load: Load) -> tuple[Shard, dict[str, bytes]]:
    """The shard with this entry in its place, and the pages that it names and that may not be there yet, by key."""
    pages = [ref for ref in shard.older if ref.cell == entry.cell]
    first = next((at for at, ref in enumerate(pages) if entry.build_id <= ref.last), max(0, len(pages) - 1))
    standing = [each for each in shard.entries if each.cell == entry.cell]
    builds = _together([*standing, *_loaded(pages[first:], load), entry])
    if first and all(each.yanked for each in builds):  # what is offered instead may lie anywhere
        builds, first = _together([*_loaded(pages[:first], load), *builds]), 0
    return _laid_out(shard, entry.cell, builds, pages[:first])


def taken_in(shard: Shard, builds: list[Entry]) -> tuple[Shard, dict[str, bytes]]:
    """The same for all builds of a cell at once, oldest first, of which the shard has none yet."""
    return _laid_out(shard, builds[0].cell, builds, [])


def _laid_out(shard: Shard, cell: str, builds: list[Entry], full: list[Older]) -> tuple[Shard, dict[str, bytes]]:
    """A cell's builds divided between the shard and its pages, of which the `full` ones stay as they are."""
    standing = kept(builds)
    rest = [each for each in builds if each not in standing]
    paged = len(rest) - few if (few := len(rest) % PAGE) < LEAST else len(rest)
    written = [_page(shard, rest[at : min(at + PAGE, paged)]) for at in range(0, paged, PAGE)]
    others = [each for each in shard.entries if each.cell != cell]
    older = [ref for ref in shard.older if ref.cell != cell] + full + [ref for ref, _ in written]
    entries = [*others, *rest[paged:], *standing]
    changed = {
        "entries": tuple(sorted(entries, key=lambda each: (Cell.parse(each.cell).sort_key, each.build_id))),
        "older": tuple(sorted(older, key=lambda ref: (Cell.parse(ref.cell).sort_key, ref.first))),
    }
    return shard.model_copy(update=changed), {ref.key: data for ref, data in written}


def rendered(model: BaseModel) -> bytes:
    """A document of the index as it is stored."""
    return (model.model_dump_json(indent=1) + "\n").encode()


def _loaded(refs: Iterable[Older], load: Load) -> list[Entry]:
    return [entry for ref in refs for entry in load(ref)]


def _together(builds: Iterable[Entry]) -> list[Entry]:
    latest = {each.build_id: each for each in builds}  # the last one said stands
    return [latest[build_id] for build_id in sorted(latest)]


def kept(builds: list[Entry]) -> list[Entry]:
    """The builds of a cell, given oldest first, that stand in the shard in any case: the newest, and what is offered."""
    offered = [each for each in builds if not each.yanked][-1:]
    newest = builds[-KEPT:]
    return newest if not offered or offered[0] in newest else [*offered, *newest]


def _page(shard: Shard, builds: list[Entry]) -> tuple[Older, bytes]:
    page = Shard(channel=shard.channel, distro=shard.distro, series=shard.series, entries=tuple(builds))
    data = rendered(page)
    sha256 = hashlib.sha256(data).hexdigest()
    key = keys.shard(shard.channel, shard.distro, shard.series, sha256)
    return Older(cell=builds[0].cell, first=builds[0].build_id, last=builds[-1].build_id, key=key, sha256=sha256), data
