"""From a channel to a verified archive on this disk. What was fetched is kept, so that it can be had again offline."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from farm.errors import BadInput, VerificationFailed
from farm.index.model import INSTALLABLE, Pointer, Shard
from farm.plan.options import CHANNELS
from farm.sign import envelope
from farm.sign.rotation import followed
from farm.store import keys
from farm.store.sink import Content

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from farm.index.model import Entry, Listed, Older, ShardRef
    from farm.sign.keys import Verifier
    from farm.store.protocol import Reading

_FORMATS = ("tar.zst", "tar.gz")  # the smaller one first


class Kept:
    """A store whose small objects are kept in a folder; `offline` reads them from there alone."""

    def __init__(self, store: Reading, folder: Path, *, offline: bool) -> None:
        """Keep what `store` gives in a part of `folder` of its own."""
        self._store = store
        self._folder = folder / hashlib.sha256(store.name.encode()).hexdigest()[:16]
        self._offline = offline

    @property
    def name(self) -> str:
        """The store's name."""
        return self._store.name

    def get(self, key: str) -> bytes | None:
        """An object's bytes; None when there is none. Raises StoreUnavailable, BadInput when it was never fetched."""
        path = self._folder / key
        if self._offline:
            if not path.is_file():
                raise BadInput(f"{key} of {self.name} was never fetched", hint="run it once without --offline")
            return path.read_bytes()
        if (found := self._store.get(key)) is None:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}~{secrets.token_hex(8)}")
        fresh.write_bytes(found[0])
        fresh.replace(path)
        return found[0]

    def not_before(self, channel: str, serial: int) -> None:
        """Remember the highest serial of a channel. Raises VerificationFailed for a lower one: an old index, shown again."""
        path = self._folder / "serials" / channel
        seen = int(path.read_text()) if path.is_file() else 0
        if serial < seen:
            raise VerificationFailed(
                f"the channel '{channel}' of {self.name} went back from serial {seen} to {serial}",
                hint=f"somebody shows an old index. If the store was restored from a backup, remove {path}",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(serial))

    def archive(self, listed: Listed) -> Path:
        """An archive with the size and hash that the index has. Raises VerificationFailed, StoreUnavailable, BadInput."""
        path = self._folder / "archives" / listed.sha256 / listed.key.rpartition("/")[2]
        if not path.is_file() or _sha256(path) != listed.sha256:
            if self._offline:
                raise BadInput(f"{listed.key} was never fetched", hint="run it once without --offline")
            path.parent.mkdir(parents=True, exist_ok=True)
            if not self._store.fetch(listed.key, path, Content(listed.size, listed.sha256)):
                raise VerificationFailed(f"{listed.key} is not in {self.name}, whose index lists it", hint="try again later")
        return path


def _others(store: Kept, channel: str) -> str:
    there = [name for name in CHANNELS if name != channel and store.get(keys.channel_pointer(name))]
    return f"there is --channel {' or '.join(there)}" if there else "nor any other: is this a store's address?"


def pointer(store: Kept, channel: str, trusted: Mapping[str, Verifier]) -> Pointer:
    """What a channel has; with trusted keys, what one of them signed, and nothing older than was seen before.

    Raises BadInput when there is no such channel, VerificationFailed when it cannot be read or trusted.
    """
    key = keys.signed_pointer(channel) if trusted else keys.channel_pointer(channel)
    data = store.get(key)
    if data is None:
        what = "is not signed, or there is none" if trusted else "does not exist"
        raise BadInput(f"the channel '{channel}' of {store.name} {what}", hint=_others(store, channel))
    if trusted:
        known = followed(data, trusted, lambda key_id: _endorsement(store, key_id))
        data = envelope.unseal(key, data, envelope.POINTER, known)
    try:
        found = Pointer.model_validate_json(data)
    except ValidationError as error:
        raise _unreadable(key, error) from error
    if found.channel != channel:
        raise VerificationFailed(f"{key} is that of the channel '{found.channel}'", hint="the store was changed")
    if trusted:
        store.not_before(channel, found.serial)
    return found


def check_age(where: Pointer, days: int, now: datetime) -> None:
    """That a channel was changed within the last days. Raises VerificationFailed: somebody may hold newer indexes back."""
    try:
        updated = datetime.strptime(where.updated, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise VerificationFailed(
            f"the channel '{where.channel}' does not say when it was changed", hint="leave out --max-age to take it anyway"
        ) from None
    if now - updated > timedelta(days=days):
        raise VerificationFailed(
            f"the channel '{where.channel}' was last changed at {where.updated}, more than {days} days ago",
            hint="nothing was published since, or newer indexes are held back: ask whoever runs the store, or allow more days",
        )


def _endorsement(store: Kept, key_id: str) -> bytes | None:
    name = keys.endorsement(key_id)
    return store.get(name) if keys.valid(name) else None


def entries(store: Kept, where: Pointer, distro: str, build_id: str = "") -> list[Entry]:
    """What the channel offers for a distro, each shard with the hash that its pointer has. Raises VerificationFailed.

    With a build id also the older builds that it may be among.
    """
    shards = [_shard(store, ref) for ref in where.shards if ref.distro == distro]
    pages = [page for shard in shards for page in shard.older if page.first <= build_id <= page.last]
    return [entry for shard in (*shards, *(_shard(store, page) for page in pages)) for entry in shard.entries]


def installable(entry: Entry) -> Listed:
    """The archive of a build to fetch. Raises BadInput when it has none."""
    found = {archive.format: archive for archive in entry.archives if archive.kind == INSTALLABLE}
    for form in _FORMATS:
        if form in found:
            return found[form]
    raise BadInput(f"{entry.cell}, build {entry.build_id}, has nothing to install")


def _shard(store: Kept, ref: ShardRef | Older) -> Shard:
    data = store.get(ref.key)
    if data is None or hashlib.sha256(data).hexdigest() != ref.sha256:
        raise VerificationFailed(f"{ref.key} is not what its pointer says", hint="the store was changed by something else")
    try:
        return Shard.model_validate_json(data)
    except ValidationError as error:
        raise _unreadable(ref.key, error) from error


def _unreadable(key: str, error: ValidationError) -> VerificationFailed:
    return VerificationFailed(
        f"{key} cannot be read: {error.errors()[0]['msg']}", hint="a newer farm wrote it: upgrade this one"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
