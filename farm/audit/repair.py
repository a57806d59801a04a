"""Indexes rebuilt from artifacts: what can be derived is derived again; a build that is damaged is listed as yanked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from farm.audit.survey import EntryOf
from farm.errors import Conflict, FarmError
from farm.export.table import rendered
from farm.index import growth, reading, update
from farm.index.rebuild import rebuild
from farm.publish import identity
from farm.sign.keys import Signer
from farm.store import catalog, keys
from farm.store.artifact import Artifact, Yank

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from farm.audit.survey import Build, Survey
    from farm.index.model import Entry
    from farm.store.protocol import Store

_DAMAGED = "damaged in the store"


@dataclass(frozen=True)
class Means:
    """How a channel lists an artifact, where clients reach the store, the time in UTC, and who signs."""

    entry_of: EntryOf
    base_url: str
    clock: Callable[[], datetime]
    signer: Signer | None = None


def repair(survey: Survey, means: Means) -> None:
    """Write what can be derived anew. Raises StoreUnavailable, and BadInput without a key where a channel is signed."""
    store = survey.store
    _drop_wrong_names(survey)
    _restore_catalog(survey)
    for build in catalog.published(store):
        _write_sidecars(store, catalog.artifact(store, build), means)
    for channel in sorted({*reading.channels(store), *(build.channel for build in catalog.published(store))}):
        relist(store, channel, means, survey.damaged)


def relist(store: Store, channel: str, means: Means, damaged: Collection[Build] = (), without: Collection[str] = ()) -> int:
    """A channel's index and all files of clients from what is published; gives how many files there are.

    `without` are keys of the catalog that the channel is no longer to list.
    """
    rebuild(store, channel, lambda: _entries(store, channel, means.entry_of, damaged, without), means.clock)
    for distro in reading.distros(store, channel):
        files = rendered(channel, reading.entries(store, channel, distro), means.base_url)
        for key, data in files.items():
            if "/sha256:" in key and store.get(key) is None:  # a tag that is right already would not bring it back
                store.put(key, data)
    return update.rewrite(store, channel, base_url=means.base_url, signer=means.signer)


def _entries(
    store: Store, channel: str, entry_of: EntryOf, damaged: Collection[Build], without: Collection[str]
) -> Iterator[Entry]:
    for build in catalog.published(store):
        if build.channel == channel and build.key not in without:
            mark = catalog.load(store, keys.yank(build.cell, build.build_id), Yank)
            entry = entry_of(catalog.artifact(store, build))
            reason = _DAMAGED if (entry.cell, entry.build_id) in damaged else mark[0].reason if mark else ""
            yield entry.model_copy(update={"yanked": reason})


def _drop_wrong_names(survey: Survey) -> None:
    """What is named by another content than its own would never be written again."""
    wrong = ("registry.sha256", "catalog.unreadable", "catalog.name", "metadata.unreadable")
    for finding in survey.findings:
        if finding.check in wrong:
            survey.store.delete(finding.file)


def _restore_catalog(survey: Survey) -> None:
    """The catalog's entries of builds whose metadata is there, and which nobody else has replaced meanwhile."""
    store = survey.store
    known = {(str(build.cell), build.build_id) for build in catalog.published(store)}
    for stat in survey.under("artifacts/"):
        if not stat.key.endswith(".json") or stat.key.endswith(".intoto.json"):
            continue
        try:
            found = catalog.load(store, stat.key, Artifact)
        except FarmError:
            continue
        if found is None or (found[0].build.cell, found[0].build_id) in known:
            continue
        named = catalog.name_of(found[0])
        if identity.holds(store, named.cell, found[0].build.recipe, found[0].build.inputs, named.build_id):
            _put_missing(store, named.key, growth.rendered(found[0]))
    for channel, entry in _listed(store):
        _restore_channel(store, channel, entry)


def _listed(store: Store) -> Iterator[tuple[str, Entry]]:
    """What indexes that can be read still list, so that a promotion is not forgotten with the catalog's entry of it."""
    for channel in reading.channels(store):
        try:
            for distro in reading.distros(store, channel):
                yield from ((channel, entry) for entry in reading.entries(store, channel, distro))
        except FarmError:
            continue


def _restore_channel(store: Store, channel: str, entry: Entry) -> None:
    try:
        found = catalog.load(store, entry.metadata, Artifact)
    except FarmError:
        return
    if found and (found[0].build.cell, found[0].build_id) == (entry.cell, entry.build_id):
        moved = found[0].model_copy(update={"channel": channel})
        _put_missing(store, catalog.name_of(moved).key, growth.rendered(moved))


def _write_sidecars(store: Store, artifact: Artifact, means: Means) -> None:
    entry = means.entry_of(artifact)
    folder = entry.metadata.rpartition("/")[0]
    _put_missing(store, entry.metadata, growth.rendered(artifact))
    for info in artifact.archives:
        key, line = f"{folder}/{info.name}.sha256", f"{info.sha256}  {info.name}\n".encode()
        found = store.get(key)
        if found is None or found[0] != line:
            store.put(key, line)


def _put_missing(store: Store, key: str, data: bytes) -> None:
    try:
        store.put(key, data, if_absent=True)
    except Conflict:
        return
