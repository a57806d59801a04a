"""Writes the files that clients read, each by compare-and-swap: they belong to whoever saw the newest pointer."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from farm.errors import Conflict
from farm.export.table import FILES
from farm.plan.cell import Cell
from farm.store.writes import writes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from farm.export.table import File
    from farm.index.model import Entry
    from farm.store.protocol import Store

    Pending = tuple[File, str]


def write(store: Store, channel: str, current: Callable[[], list[Entry]], pending: list[Pending], base_url: str) -> None:
    """One try to write the pending files; what was written leaves the list. Raises Conflict when some stay.

    Each is read before the channel is asked what it offers now: whoever was overtaken meanwhile gets a Conflict.
    """
    before = {one: store.get(one[1]) for one in pending}
    shared = _shared(channel, current())
    done: set[Pending] = set()
    with writes() as soon:
        for one in pending:
            soon(partial(_write, store, one, one[0].render(shared.get(one, ()), base_url), before[one], done))
    pending[:] = [one for one in pending if one not in done]
    if pending:
        raise Conflict(f"{len(pending)} files of the channel '{channel}' changed while they were written")


def _shared(channel: str, entries: Iterable[Entry]) -> dict[Pending, list[Entry]]:
    """The entries that a file is about, in their order."""
    shared: dict[Pending, list[Entry]] = {}
    for entry in entries:
        cell = Cell.parse(entry.cell)
        for export in FILES:
            shared.setdefault((export, export.key(channel, cell)), []).append(entry)
    return shared


def _write(store: Store, one: Pending, data: bytes, before: tuple[bytes, str] | None, done: set[Pending]) -> None:
    """Have a file say this, and note that it does; not when somebody else was faster."""
    export, key = one
    with suppress(Conflict):
        if before is None or before[0] != data:
            if export.pinned:
                write_named_by_content(store, export.pinned(data), data)
            store.put(key, data, if_absent=not before, if_match=before[1] if before else "")
        done.add(one)


def write_named_by_content(store: Store, key: str, data: bytes | Path) -> None:
    """Write what is named by the digest of its content, unless it is there already."""
    try:
        store.put(key, data, if_absent=True)
    except Conflict:
        return  # the name is the content's digest, so it is these bytes
