"""Whether an archive that a stranger made may be handed to clients who will unpack it, perhaps as root.

It is read as a stream, once, within bounds, and never unpacked.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import zstandard

from farm.errors import VerificationFailed
from farm.store import members
from farm.store.artifact import BUILD_INFO_PATH, UPSTREAM_SBOM_PATH
from farm.store.members import Bounds, Unsafe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.plan.recipe import Form

TOP = "python"
_BLOCK = 512
_CHUNK = 1 << 20
_WINDOW_BYTES = 128 << 20
_INFO_BYTES = 8 << 20
_KEPT = (f"{TOP}/{BUILD_INFO_PATH}", f"{TOP}/{UPSTREAM_SBOM_PATH}")
_WHEEL_RE = re.compile(rf"{TOP}/lib/python[0-9.t]+/ensurepip/_bundled/[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.-]+\.whl")


@dataclass(frozen=True)
class Wheel:
    """A wheel that ensurepip installs: its file name and hash."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Contents:
    """What was read off a safe archive: the hash of its tar, how many members, and what of its contents we speak of elsewhere.

    `build_info` is its own metadata, `upstream_sbom` CPython's own SBOM, each if it has one. `files`: bytes of each file.
    """

    tar_sha256: str
    members: int
    build_info: bytes | None
    upstream_sbom: bytes | None = None
    wheels: tuple[Wheel, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)


def inspect(path: Path, form: Form, bounds: Bounds = members.LIMITS) -> Contents:
    """What is in an archive. Raises VerificationFailed when it is broken, or unsafe to unpack."""
    try:
        with _unpacked(path, form) as plain:
            return _walked(_Measured(plain, bounds.tar_bytes), bounds)
    except Unsafe as error:
        raise VerificationFailed(f"{path.name} is unsafe: {error}") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error, zstandard.ZstdError, UnicodeError, ValueError) as error:
        raise VerificationFailed(f"{path.name} is not a {form} that can be read: {error}") from error


@contextmanager
def _unpacked(path: Path, form: Form) -> Iterator[IO[bytes]]:
    with path.open("rb") as packed:
        if form == "tar.gz":
            with gzip.GzipFile(fileobj=packed) as plain:
                yield plain  # type: ignore[misc]  # a GzipFile is an IO[bytes] in all that we use
        else:
            unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
            with unpacker.stream_reader(packed, read_across_frames=True, closefd=False) as plain:
                yield plain


class _Measured(io.RawIOBase):
    """A stream that is hashed and measured as it is read."""

    def __init__(self, source: IO[bytes], limit: int) -> None:
        self._source = source
        self._limit = limit
        self._hash = hashlib.sha256()
        self._read = 0
        self.last_content = 0

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size if size >= 0 else _CHUNK)
        if kept := data.rstrip(b"\0"):
            self.last_content = self._read + len(kept)
        self._read += len(data)
        if self._read > self._limit:
            raise Unsafe(f"unpacked it is over {self._limit} bytes")
        self._hash.update(data)
        return data

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def _walked(stream: _Measured, bounds: Bounds) -> Contents:
    rules = members.Rules(TOP)
    kept: dict[str, bytes] = {}
    wheels: list[Wheel] = []
    files: dict[str, int] = {}
    end = 0
    with members.opened(stream) as tar:  # type: ignore[arg-type]  # of a stream, tarfile only reads
        for member in members.bounded(tar, bounds):
            rules.add(member)
            if member.isreg():
                files[member.name] = member.size
            if member.name in _KEPT:
                kept[member.name] = _content(tar, member)
            elif _WHEEL_RE.fullmatch(member.name) and member.isreg():
                wheels.append(_wheel(tar, member))
            end = member.offset_data + (-(-member.size // _BLOCK) * _BLOCK if member.isreg() else 0)
    while stream.read(_CHUNK):
        pass
    if stream.last_content > end:
        raise Unsafe("there is more behind its end, which other programs may read")
    rules.check()
    info, upstream = (kept.get(name) for name in _KEPT)
    return Contents(stream.sha256, len(rules.kinds), info, upstream, tuple(wheels), files)


def _wheel(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Wheel:
    file = tar.extractfile(member)
    if file is None:
        raise Unsafe(f"{member.name} is no file")
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return Wheel(member.name.rpartition("/")[2], digest.hexdigest())


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isreg() and member.size <= _INFO_BYTES else None
    if file is None:
        raise Unsafe(f"{member.name} is no file of at most {_INFO_BYTES} bytes")
    return file.read()
