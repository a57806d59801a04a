"""Opening an archive that nobody should trust: what it says it has, and a safe copy of it on this host, only for reading."""

from __future__ import annotations

import posixpath
import shutil
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, cast

import zstandard

from farm.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = "python"
_MAX_BYTES = 8 << 30  # a tree with everything in it has half a gigabyte
_MAX_MEMBERS = 200_000
_MAX_READ = 16 << 20
_MAX_WINDOW = 1 << 27  # what plain `zstd -d` takes


@dataclass(frozen=True)
class Member:
    """What the archive says of one of its entries."""

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    owner: str
    group: str
    link: str


@dataclass(frozen=True)
class Unpacked:
    """An archive's entries in their order, and the folder where the harmless ones of them were unpacked."""

    members: tuple[Member, ...]
    tree: Path


@contextmanager
def tar_stream(archive: Path) -> Iterator[IO[bytes]]:
    """The archive as an engine takes it: a tar, plain or gzip; zstd is decompressed on the way."""
    with archive.open("rb") as file:
        if archive.name.endswith(".zst"):
            yield cast("IO[bytes]", zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(file))
        else:
            yield file


def unpack(archive: Path, folder: Path) -> Unpacked:
    """Unpack what is harmless into `folder`; what is not is in `members` alone. Raises BadInput for what is no archive."""
    members: list[Member] = []
    links: list[tarfile.TarInfo] = []
    with _opened(archive) as tar:
        for info in _bounded(tar, archive.name):
            members.append(_member(info))
            if info.issym():
                links.append(info)
            else:
                _extract(tar, info, folder)
    for link in links:
        _link(link, folder)
    return Unpacked(tuple(members), folder / TOP)


def read_member(archive: Path, name: str) -> bytes | None:
    """One small file of an archive; None when it has no such file. Raises BadInput for what is no archive."""
    with _opened(archive) as tar:
        for info in _bounded(tar, archive.name):
            if info.name == name and info.isreg() and info.size <= _MAX_READ and (file := tar.extractfile(info)):
                return file.read()
    return None


def _bounded(tar: tarfile.TarFile, name: str) -> Iterator[tarfile.TarInfo]:
    """Entry by entry, until there is more than any tree has."""
    total = 0
    for count, info in enumerate(tar):
        total += info.size
        if total > _MAX_BYTES or count >= _MAX_MEMBERS:
            raise BadInput(f"{name} unpacks to more than {_MAX_BYTES >> 30} GiB or {_MAX_MEMBERS} entries")
        yield info


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tar_stream(archive) as stream, tarfile.open(fileobj=stream, mode="r|*") as tar:
            yield tar
    except FileNotFoundError as error:
        raise BadInput(f"{archive} is not there", hint="give the path of a .tar.gz or .tar.zst") from error
    except (tarfile.TarError, zstandard.ZstdError, EOFError, OSError) as error:
        raise BadInput(
            f"{archive.name} cannot be unpacked: {error}", hint="it is cut short or no .tar.gz or .tar.zst: compare its sha256"
        ) from error


def _member(info: tarfile.TarInfo) -> Member:
    return Member(
        info.name, _kind(info), info.mode, info.uid, info.gid, info.uname, info.gname, info.linkname if _is_link(info) else ""
    )


def _is_link(info: tarfile.TarInfo) -> bool:
    return info.issym() or info.islnk()


def _kind(info: tarfile.TarInfo) -> str:
    kinds = {"folder": info.isdir(), "file": info.isreg(), "symlink": info.issym(), "hard link": info.islnk()}
    return next((kind for kind, yes in kinds.items() if yes), "special file")


def _extract(tar: tarfile.TarFile, info: tarfile.TarInfo, folder: Path) -> None:
    """Unpack one entry if it is harmless here; the layout check reports the others.

    The checks are our own, because Python's filters came with 3.11.4 and Debian 12 has 3.11.2. Links are made last (see
    `unpack`), so that no file is ever written through one.
    """
    parts = PurePosixPath(info.name).parts
    if PurePosixPath(info.name).is_absolute() or ".." in parts:
        return
    target = folder.joinpath(*parts)
    if info.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif info.isreg() and not target.exists() and (data := tar.extractfile(info)):
        target.parent.mkdir(parents=True, exist_ok=True)
        with data, target.open("xb") as file:
            shutil.copyfileobj(data, file)


def _link(info: tarfile.TarInfo, folder: Path) -> None:
    """Make a symbolic link that stays inside the one top folder."""
    parts = PurePosixPath(info.name).parts
    where = posixpath.normpath(posixpath.join("/", posixpath.dirname(info.name), info.linkname))
    if ".." in parts or PurePosixPath(info.name).is_absolute() or not where.startswith(f"/{parts[0]}/"):
        return
    target = folder.joinpath(*parts)
    if posixpath.isabs(info.linkname) or target.is_symlink() or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(info.linkname)
