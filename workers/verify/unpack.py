"""Opening an archive that nobody should trust: what it says it has, and a safe copy of it on this host, only for reading."""

from __future__ import annotations

import tarfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import zstandard

from farm.errors import BadInput, no_room
from farm.store import members as shared

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = "python"
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


def unpack(archive: Path, folder: Path, bounds: shared.Bounds = shared.LIMITS) -> Unpacked:
    """Unpack what is harmless into `folder`; what is not is in `members` alone, and the layout check reports it.

    Nothing of it can be executed. Raises BadInput for what is no archive.
    """
    members: list[Member] = []
    rules = shared.Rules(TOP)
    with _opened(archive) as tar:
        for info in shared.bounded(tar, bounds):
            members.append(_member(info))
            with suppress(shared.Unsafe, FileExistsError, NotADirectoryError):
                rules.add(info)
                info.mode = 0o644
                shared.place(tar, info, folder)
    for name in rules.links:
        with suppress(shared.Unsafe, FileExistsError, NotADirectoryError):
            rules.check_link(name)
            _link(folder / name, rules.links[name])
    return Unpacked(tuple(members), folder / TOP)


def read_member(archive: Path, name: str) -> bytes | None:
    """One small file of an archive; None when it has no such file. Raises BadInput for what is no archive."""
    with _opened(archive) as tar:
        for info in shared.bounded(tar, shared.LIMITS):
            if info.name == name and info.isreg() and info.size <= _MAX_READ and (file := tar.extractfile(info)):
                return file.read()
    return None


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tar_stream(archive) as stream, shared.opened(stream, "r|*") as tar:
            yield tar
    except FileNotFoundError as error:
        raise BadInput(f"{archive} is not there", hint="give the path of a .tar.gz or .tar.zst") from error
    except shared.TooMuch as error:
        raise BadInput(f"{archive.name} is no archive of ours: {error}") from error
    except (tarfile.TarError, zstandard.ZstdError, EOFError, OSError, ValueError) as error:
        if full := no_room(error):  # which says nothing of the archive
            raise full from error
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


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
