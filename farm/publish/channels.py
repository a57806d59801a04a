"""What is done to builds after they were published: yanked, given back, promoted. Never rebuilt, never changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from farm.errors import BadInput, Conflict
from farm.index import reading, signatures, update
from farm.publish.order import check_may_list
from farm.sign.keys import Signer
from farm.store import catalog, keys
from farm.store.artifact import Artifact, Yank

if TYPE_CHECKING:
    from farm.index.model import Entry
    from farm.plan.cell import Cell
    from farm.store.keys import Published
    from farm.store.protocol import Store


@dataclass(frozen=True)
class Place:
    """Where clients reach the store, the time in UTC, and the key that signs, if there is one."""

    base_url: str
    clock: Callable[[], datetime]
    signer: Signer | None = None


def yank(store: Store, cell: Cell, build_id: str, reason: str, place: Place) -> list[str]:
    """Have no channel offer this build any more; gives the channels that did. Its files stay, for who pinned them.

    Raises BadInput when there is no such build.
    """
    builds = _builds(store, cell, build_id)
    mark = Yank(reason=reason, when=f"{place.clock():%Y-%m-%dT%H:%M:%SZ}")
    store.put(keys.yank(cell, build_id), mark.model_dump_json().encode())
    return _tell(store, builds, place)


def give_back(store: Store, cell: Cell, build_id: str, place: Place) -> list[str]:
    """Take a yank back; gives the channels that offer the build again. Raises BadInput when there is no such build."""
    builds = _builds(store, cell, build_id)
    store.delete(keys.yank(cell, build_id))
    return _tell(store, builds, place)


def promote(store: Store, builds: Sequence[Published], channel: str, place: Place) -> None:
    """Have another channel list published builds: all of them, or none when one may not. Safe to repeat.

    Raises BadInput, before anything is written, when a build was yanked or that channel may not list it.
    """
    signatures.check_signer(store, channel, place.signer)
    ready = [_promotion(store, build, channel) for build in builds]
    for moved, entry in ready:
        with suppress(Conflict):  # it was there before; the index may not have been, if somebody was cut off
            store.put(catalog.name_of(moved).key, (moved.model_dump_json(indent=1) + "\n").encode(), if_absent=True)
        update.add(store, channel, entry, base_url=place.base_url, clock=place.clock, signer=place.signer)


def _promotion(store: Store, build: Published, channel: str) -> tuple[Artifact, Entry]:
    """A build's metadata as the other channel has it, and its line in the index. Raises BadInput when it may not go there."""
    artifact = catalog.artifact(store, build)
    check_may_list(build.cell, artifact.build.optimize, channel)
    if catalog.yanked(store, build.cell) & {(str(build.cell), build.build_id)}:
        raise BadInput(f"{build.cell}, build {build.build_id}, was yanked", hint="`farm yank --undo` gives it back")
    return artifact.model_copy(update={"channel": channel}), _entry(store, build)


def _builds(store: Store, cell: Cell, build_id: str) -> list[Published]:
    known = catalog.published(store, cell)
    if found := [build for build in known if build.build_id == build_id]:
        return found
    there = ", ".join(sorted({build.build_id for build in known})) or "none"
    raise BadInput(f"{cell} has no build {build_id}", hint=f"its builds: {there}")


def _tell(store: Store, builds: list[Published], place: Place) -> list[str]:
    """Write the indexes of every channel of these builds anew; they read the marks of yanked builds by themselves."""
    for build in builds:
        entry = _entry(store, build)
        update.add(store, build.channel, entry, base_url=place.base_url, clock=place.clock, signer=place.signer)
    return [build.channel for build in builds]


def _entry(store: Store, build: Published) -> Entry:
    if entry := reading.listed(store, build.channel, build.cell, build.build_id):
        return entry
    raise BadInput(
        f"the channel '{build.channel}' does not list {build.cell}, build {build.build_id}, yet",
        hint="whoever published it was cut off: `farm submit` it again",
    )
