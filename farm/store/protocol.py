"""What a store can do. Two real implementations: `farm.store.folder` and `farm.store.s3`; `farm.store.open` picks one.

Keys are `/`-separated, relative, of [A-Za-z0-9._-] only. Every object is written whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.store.sink import AtMost, Content


@dataclass(frozen=True)
class Stat:
    """An object as a listing shows it: size in bytes, `etag` as the token for compare-and-swap.

    `modified` is when it was last written, in seconds since the epoch, by the store's own clock.
    """

    key: str
    size: int
    etag: str
    modified: float = 0.0


class Store(Protocol):
    """Where artifacts live: the only durable state there is.

    Every method raises StoreUnavailable when the store fails, and FileNotFoundError never: absence is a value.
    """

    @property
    def name(self) -> str:
        """How messages call this store, e.g. a folder's path or 's3://bucket/prefix'. Never holds a secret."""
        ...

    def get(self, key: str) -> tuple[bytes, str] | None:
        """The object's bytes and etag, or None when there is none. For small objects."""
        ...

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False, if_match: str = "") -> str:
        """Write an object whole; gives its etag.

        Content type and cache headers follow from the key (`farm.store.headers`). A Path is streamed.
        Raises Conflict when `if_absent` and the key exists, or when `if_match` names another etag than the stored one.
        """
        ...

    def list(self, prefix: str) -> Iterator[Stat]:
        """Every object whose key starts with `prefix`, in key order, paged underneath."""
        ...

    def fetch(self, key: str, target: Path, content: Content | AtMost | None = None) -> bool:
        """Stream an object into a file that appears whole or not at all; False when there is no such object.

        Raises VerificationFailed as soon as the bytes cannot be the `content`.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when there is none."""
        ...


class Measured(Store, Protocol):
    """A store that is asked for an object's size by its name, which no listing that is old can hide."""

    def stat(self, key: str) -> Stat | None:
        """Size and etag of an object, without reading it; None when there is none."""
        ...


class Reading(Protocol):
    """The part of a store that a client needs."""

    @property
    def name(self) -> str:
        """How messages call it. Never holds a secret."""
        ...

    def get(self, key: str) -> tuple[bytes, str] | None:
        """The object's bytes and etag, or None when there is none. For small objects."""
        ...

    def fetch(self, key: str, target: Path, content: Content) -> bool:
        """Stream an object into a file that appears whole or not at all; False when there is no such object.

        Raises VerificationFailed as soon as the bytes cannot be the `content`.
        """
        ...


class Staging(Protocol):
    """A store that hands out upload addresses, so that a builder needs no key of its own."""

    def upload_url(self, key: str, *, expires_s: int) -> str:
        """Where one PUT of one staging object may go: a presigned http(s) url, or a file:// url for a folder."""
        ...


class Readable(Protocol):
    """A store whose objects can be read in parts, as HTTP clients ask for them."""

    def stat(self, key: str) -> Stat | None:
        """Size and etag of an object, without reading it; None when there is none."""
        ...

    def read(self, stat: Stat, start: int, stop: int) -> Iterator[bytes]:
        """The bytes [start, stop) of the object that `stat` saw. Raises Conflict when it has changed since."""
        ...
