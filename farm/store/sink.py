"""Where the bytes of a fetched object go: into a file that appears when all came, and only when they are those expected."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from farm.errors import NoRoomHere, VerificationFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HINT = "nothing of it was kept; the store, or something between it and this host, changes what it sends"


@dataclass(frozen=True)
class Content:
    """What an object is known to hold: its size in bytes, and its sha256."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Content:
        """What an object of these bytes holds."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class AtMost:
    """What is known of an object that a stranger wrote: that we take no more bytes of it than these."""

    size: int


class Sink:
    """Takes an object's bytes in their order, and no more than there should be. Without a `content` it takes all."""

    def __init__(self, file: IO[bytes], key: str, content: Content | AtMost | None) -> None:
        """Write into `file`; messages call the object `key`."""
        self._file = file
        self._key = key
        self._content = content
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        """Take a piece. Raises VerificationFailed at the first byte too many, before it is written."""
        self._size += len(data)
        if self._content:
            if self._size > self._content.size:
                said = "listed" if isinstance(self._content, Content) else "that it may have"
                raise VerificationFailed(f"{self._key} is longer than the {self._content.size} bytes {said}", hint=_HINT)
            self._hash.update(data)
        with _written_here(str(getattr(self._file, "name", self._key))):
            return self._file.write(data)

    def check(self) -> None:
        """That the whole came. Raises VerificationFailed when it is not what was expected."""
        if not isinstance(self._content, Content):
            return
        if self._content != (found := Content(self._size, self._hash.hexdigest())):
            raise VerificationFailed(
                f"{self._key} has {found.size} bytes with sha256 {found.sha256}, not the {self._content.size} bytes "
                f"with sha256 {self._content.sha256} that are listed",
                hint=_HINT,
            )


@contextmanager
def arriving(key: str, target: Path, content: Content | AtMost | None) -> Iterator[Sink]:
    """A sink whose file is `target` from the end of the block on; when that raises, nothing is left.

    Raises VerificationFailed for bytes that are not the `content`, NoRoomHere when the file cannot be written.
    """
    fresh = target.with_name(f"{target.name}~{secrets.token_hex(8)}")
    with _written_here(str(target)):
        file = fresh.open("xb")
    try:
        with file:
            sink = Sink(file, key, content)
            yield sink
            with _written_here(str(target)):
                file.flush()
            sink.check()
        with _written_here(str(target)):
            fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _written_here(name: str) -> Iterator[None]:
    """What fails on this side is not the store's failure."""
    try:
        yield
    except OSError as error:
        where = name.rpartition("/")[0] or "."
        hint = "make room there, or name another folder"
        raise NoRoomHere(f"{where} cannot be written: {error.strerror}", hint=hint) from error
