"""What a store really does, found out by doing it: `farm store check`. Everything is written below `probe/` and removed."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import requests

from farm.errors import Conflict, StoreUnavailable
from farm.store.protocol import Readable, Staging, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Verdict = Literal["many", "one", "none"]
Mark = Literal["ok", "warning", "bad", "skipped"]

_RACERS = 8
_LISTED = 20
_INCREMENTS = 3
_SKEW_S = 60.0
_TIMEOUT_S = (10, 60)
_ERROR = 400


class Probed(Store, Staging, Readable, Protocol):
    """What a store has to be able to do here."""


@dataclass(frozen=True)
class Seen:
    """What one probe saw, and what that means. `bars` says who may write to a store of which this is true."""

    name: str
    mark: Mark
    said: str
    bars: Verdict = "many"


@dataclass(frozen=True)
class Probes:
    """All that was seen. `verdict`: many publishers may write at once, or only one at a time, or none."""

    seen: tuple[Seen, ...]

    @property
    def verdict(self) -> Verdict:
        """Who may write."""
        bars = {one.bars for one in self.seen}
        return "none" if "none" in bars else "one" if "one" in bars else "many"


def _somewhere() -> str:
    return f"probe/{secrets.token_hex(8)}"


@dataclass
class _Place:
    """Where the probes write; `part` is more bytes than one PUT of this store takes, 0 when it knows no parts."""

    store: Probed
    part: int
    ca_bundle: str
    where: str = field(default_factory=_somewhere)

    def key(self, name: str) -> str:
        return f"{self.where}/{name}"


def probe(store: Probed, *, part: int = 0, ca_bundle: str = "") -> Probes:
    """Try all that the farm relies on. `store` puts objects above `part` bytes in parts; 0 means that it never does.

    A store that cannot be reached, or refuses to be written to, raises StoreUnavailable.
    """
    place = _Place(store, part, ca_bundle)
    try:
        reach(store)
        return Probes(tuple(one for look in _PROBES for one in look(place)))
    finally:
        for stat in list(store.list(f"{place.where}/")):
            store.delete(stat.key)


def reach(store: Store) -> None:
    """Write an object below `probe/` and remove it. Raises StoreUnavailable when the store is away or refuses either."""
    key = f"{_somewhere()}/reach"
    store.put(key, b"x")
    store.delete(key)


def _round_trip(place: _Place) -> Iterator[Seen]:
    data, key = os.urandom(1 << 20), place.key("bytes")
    place.store.put(key, b"before")
    place.store.put(key, data)
    found = place.store.get(key)
    if found is None or found[0] not in (data, b"before"):
        yield Seen("bytes", "bad", "what was written came back changed", "none")
    elif found[0] != data:
        yield Seen("bytes", "bad", "after a second write the first one was read: reads are not consistent", "none")
    else:
        yield Seen("bytes", "ok", "what was written comes back, also after it was overwritten")


def _created(store: Store, key: str, data: bytes | Path) -> bool:
    try:
        store.put(key, data, if_absent=True)
    except Conflict:
        return False
    return True


def _if_none_match(place: _Place) -> Iterator[Seen]:
    name = "If-None-Match"
    place.store.put(place.key("once"), b"first")
    if _created(place.store, place.key("once"), b"second"):
        yield Seen(name, "bad", "accepted and silently ignored: an object that was there was overwritten", "one")
        return
    with ThreadPoolExecutor(_RACERS) as pool:
        won = sum(pool.map(lambda number: _created(place.store, place.key("race"), b"%d" % number), range(_RACERS)))
    if won == 1:
        yield Seen(name, "ok", f"honoured; of {_RACERS} that created one object at once, one did")
    else:
        yield Seen(name, "bad", f"honoured only when nobody else writes: {won} of {_RACERS} created one object at once", "one")


def _if_match(place: _Place) -> Iterator[Seen]:
    name, key = "If-Match", place.key("pointer")
    old = place.store.put(key, b"0")
    place.store.put(key, b"00")
    try:
        place.store.put(key, b"lost", if_match=old)
    except Conflict:
        pass
    else:
        yield Seen(name, "bad", "accepted and silently ignored: an object that had changed was overwritten", "one")
        return
    place.store.put(key, b"0")
    with ThreadPoolExecutor(_RACERS) as pool:
        list(pool.map(lambda _: _increment(place.store, key), range(_RACERS)))
    counted = place.store.get(key)
    wanted = _RACERS * _INCREMENTS
    if counted and counted[0] == b"%d" % wanted:
        yield Seen(name, "ok", f"honoured; {wanted} increments by {_RACERS} at once counted to {wanted}")
    else:
        yield Seen(name, "bad", f"loses writes that meet: {wanted} increments did not count to {wanted}", "one")


def _increment(store: Store, key: str) -> None:
    for _ in range(_INCREMENTS):
        while (found := store.get(key)) is not None:
            try:
                store.put(key, b"%d" % (int(found[0]) + 1), if_match=found[1])
                break
            except Conflict:
                continue


def _in_parts(place: _Place) -> Iterator[Seen]:
    name = "multipart"
    if not place.part:
        yield Seen(name, "skipped", "this store writes big objects as it does small ones")
        return
    key = place.key("big.tar.zst")
    with tempfile.TemporaryDirectory(prefix="farm-probe-") as folder:
        big, back = Path(folder) / "big", Path(folder) / "back"
        big.write_bytes(os.urandom(place.part + 1))
        place.store.put(key, big)
        if not place.store.fetch(key, back) or back.read_bytes() != big.read_bytes():
            yield Seen(name, "bad", "an object that was sent in parts came back changed", "none")
        elif _created(place.store, key, big):
            yield Seen(name, "bad", "the condition on the completion is accepted and silently ignored", "one")
        else:
            yield Seen(name, "ok", "parts make one object, and the condition on the completion is honoured")


def _listing(place: _Place) -> Iterator[Seen]:
    names = [place.key(f"list/{number:03}") for number in range(_LISTED)]
    for name in names:
        place.store.put(name, b"")
    after_writing = [stat.key for stat in place.store.list(place.key("list/"))]
    place.store.delete(names[0])
    after_deleting = [stat.key for stat in place.store.list(place.key("list/"))]
    if after_writing == names and after_deleting == names[1:]:
        yield Seen("listing", "ok", f"shows at once what was written ({_LISTED} objects) and what was deleted")
        return
    shown = f"{len(after_writing)} were shown, of {_LISTED - 1} left {len(after_deleting)}"
    said = f"old listings: of {_LISTED} objects just written {shown}"
    yield Seen("listing", "bad", f"{said}; the farm would not see attempts that were granted", "none")


def _uploads(place: _Place) -> Iterator[Seen]:
    """Addresses for one PUT: good for one object, for a while; and the server's clock, which is in every answer."""
    url = place.store.upload_url(place.key("up"), expires_s=600)
    if url.startswith("file:"):
        yield Seen("uploads", "skipped", "builders write into the folder: they share this host's trust")
        return
    answer = _put(place, url, b"up")
    if answer.status_code >= _ERROR or (place.store.get(place.key("up")) or (b"",))[0] != b"up":
        yield Seen(
            "uploads", "bad", f"a presigned PUT is answered with HTTP {answer.status_code}: builders cannot stage", "none"
        )
        return
    taken = [said for said, try_it in _FORGERIES if (try_it(place, url)).status_code < _ERROR]
    if taken:
        yield Seen("uploads", "bad", f"a presigned address is not checked: {' and '.join(taken)} was accepted", "none")
    else:
        yield Seen("uploads", "ok", "a presigned PUT is good for its own object and no longer than it says")
    yield from _checksum(place, url)
    yield from _clock(answer)


def _put(place: _Place, url: str, data: bytes, headers: dict[str, str] | None = None) -> requests.Response:
    try:
        return requests.put(
            url, data=data, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False, verify=place.ca_bundle or True
        )
    except requests.RequestException as error:  # not its text: it repeats the signature
        raise StoreUnavailable(
            f"a presigned PUT does not reach the store {place.store.name}: {type(error).__name__}",
            hint="builders need the same address; check FARM_S3_ENDPOINT",
        ) from None


def _other_key(place: _Place, url: str) -> requests.Response:
    return _put(place, url.replace("/up?", "/other?"), b"x")


def _expired(place: _Place, _url: str) -> requests.Response:
    late = place.store.upload_url(place.key("late"), expires_s=1)
    time.sleep(2.5)
    return _put(place, late, b"x")


_FORGERIES: tuple[tuple[str, Callable[[_Place, str], requests.Response]], ...] = (
    ("another object's name", _other_key),
    ("one that had expired", _expired),
)


def _checksum(place: _Place, url: str) -> Iterator[Seen]:
    wrong = b64encode(hashlib.md5(b"other", usedforsecurity=False).digest()).decode()
    if _put(place, url, b"data", {"Content-MD5": wrong}).status_code < _ERROR:
        yield Seen("checksums", "warning", "a wrong Content-MD5 is accepted; the farm reads back and hashes what it publishes")
    else:
        yield Seen("checksums", "ok", "a wrong Content-MD5 is refused")


def _clock(answer: requests.Response) -> Iterator[Seen]:
    said = answer.headers.get("Date", "")
    try:
        skew = parsedate_to_datetime(said).timestamp() - time.time()
    except ValueError:
        yield Seen("clock", "warning", "the server does not say what time it is")
        return
    if abs(skew) > _SKEW_S:
        off = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this host's"
        yield Seen("clock", "warning", f"the server's clock is {off}: signatures fail when it is 15 min; set both by NTP")
    else:
        yield Seen("clock", "ok", f"this host's and the server's differ by less than {_SKEW_S:.0f} s")


_PROBES: tuple[Callable[[_Place], Iterator[Seen]], ...] = (
    _round_trip,
    _if_none_match,
    _if_match,
    _in_parts,
    _listing,
    _uploads,
)
