"""Whether an archive that a stranger made may be handed to clients who will unpack it, perhaps as root.

It is read as a stream, once, within bounds, and never unpacked.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Self

import zstandard

from farm.errors import VerificationFailed
from farm.store.artifact import BUILD_INFO_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.plan.recipe import Form

TOP = "python"
_BLOCK = 512
_CHUNK = 1 << 20
_WINDOW_BYTES = 128 << 20
_HEADER_BYTES = 64 << 10  # of an extended header, which tarfile reads into memory whole
_INFO_BYTES = 8 << 20
_ALLOWED = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)
_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_SPECIAL_BITS = 0o7000


@dataclass(frozen=True)
class Bounds:
    """How big an archive may be: bytes of its uncompressed tar, and members."""

    tar_bytes: int = 4 << 30
    members: int = 100_000


@dataclass(frozen=True)
class Contents:
    """What was read off a safe archive: the hash of its tar, how many members, and its own metadata if it has any."""

    tar_sha256: str
    members: int
    build_info: bytes | None


class Unsafe(Exception):  # noqa: N818 - named for what it is
    """What is wrong with the archive."""


def inspect(path: Path, form: Form, bounds: Bounds = Bounds()) -> Contents:
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


class _Header(tarfile.TarInfo):
    """A member whose extended headers are bounded, before tarfile reads them."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _EXTENDED and header.size > _HEADER_BYTES:
            raise Unsafe(f"an extended header of {header.size} bytes")
        return header


def _walked(stream: _Measured, bounds: Bounds) -> Contents:
    tree = _Tree()
    info: bytes | None = None
    end = 0
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header, encoding="utf-8", errors="strict") as tar:
        for member in tar:
            tree.add(member)
            if len(tree.kinds) > bounds.members:
                raise Unsafe(f"it has over {bounds.members} members")
            if member.name == f"{TOP}/{BUILD_INFO_PATH}":
                info = _content(tar, member)
            end = member.offset_data + (-(-member.size // _BLOCK) * _BLOCK if member.isreg() else 0)
    while stream.read(_CHUNK):
        pass
    if stream.last_content > end:
        raise Unsafe("there is more behind its end, which other programs may read")
    tree.check_links()
    return Contents(stream.sha256, len(tree.kinds), info)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isreg() and member.size <= _INFO_BYTES else None
    if file is None:
        raise Unsafe(f"{member.name} is no file of at most {_INFO_BYTES} bytes")
    return file.read()


@dataclass
class _Tree:
    """The members seen so far: type by name, and the target of every link by its name."""

    kinds: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def add(self, member: tarfile.TarInfo) -> None:
        """Take a member in. Raises Unsafe."""
        name = member.name
        if member.type not in _ALLOWED or member.issparse():
            raise Unsafe(f"{name} is neither file, folder nor link")
        if member.mode & _SPECIAL_BITS:
            raise Unsafe(f"{name} is setuid, setgid or sticky")
        if not _inside(name) or not name.isprintable():
            raise Unsafe(f"{name!r} is not under {TOP}/")
        if name in self.kinds:
            raise Unsafe(f"{name} is there twice")
        if member.islnk() and self.kinds.get(member.linkname) not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.LNKTYPE):
            raise Unsafe(f"{name} is a hard link to {member.linkname!r}, which is no file before it")
        self.kinds[name] = member.type
        if member.issym():
            self.links[name] = member.linkname

    def check_links(self) -> None:
        """That no member lies behind a link, and no link leads out. Raises Unsafe."""
        if self.kinds.get(TOP, tarfile.DIRTYPE) != tarfile.DIRTYPE:
            raise Unsafe(f"{TOP} is no folder")
        for name in self.kinds:
            if behind := next(
                (parent for parent in _parents(name) if self.kinds.get(parent, tarfile.DIRTYPE) != tarfile.DIRTYPE), ""
            ):
                raise Unsafe(f"{name} lies behind {behind}, which is no folder")
        for name, target in self.links.items():
            self._check_target(name, target)

    def _check_target(self, name: str, target: str) -> None:
        # Only '../..' at the start: then each '..' leaves a true folder, and the path means what it says.
        parts = target.split("/")
        ups = next((count for count, part in enumerate(parts) if part != ".."), len(parts))
        folder = name.split("/")[:-1]
        place = "/".join([*folder[: len(folder) - ups], *parts[ups:]])
        if ups >= len(folder) or not _inside(place):
            raise Unsafe(f"the link {name} leads out, to {target!r}")
        if through := next((parent for parent in _parents(place) if parent in self.links), ""):
            raise Unsafe(f"the link {name} leads through the link {through}")


def _inside(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == TOP and not {"", ".", ".."} & set(parts)


def _parents(name: str) -> Iterator[str]:
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))
