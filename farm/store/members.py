"""The rules for tars that a stranger made: how big they may be, which members may be taken, and how these are unpacked.

Everybody who reads such a tar reads it by these rules: the tree that comes out of a box, an archive that is verified, one that
is published, one that is installed. They are our own, because Python's filters came with 3.11.4 and Debian 12 has 3.11.2.
"""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEADER_BYTES = 64 << 10  # of an extended header, which tarfile reads into memory whole
_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
_ALLOWED = (*_FILES, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)
_SPECIAL_BITS = 0o7000
_CHAIN = 40  # as many links in a row as Linux follows
_RUNNABLE = 0o100


@dataclass(frozen=True)
class Bounds:
    """How big an archive may be: bytes of its uncompressed tar, and members. A whole tree has half a gigabyte."""

    tar_bytes: int = 4 << 30
    members: int = 100_000


LIMITS = Bounds()


class Unsafe(Exception):  # noqa: N818 - named for what it is
    """What is wrong with a member, or with the archive."""


class TooMuch(Unsafe):
    """The archive is bigger than any of ours: nobody should read on."""


class Header(tarfile.TarInfo):
    """A member whose extended headers are bounded, before tarfile reads them."""

    def _proc_member(self, tar: tarfile.TarFile) -> Header:
        """What a header introduces. Raises TooMuch. In every tarfile all headers come by here, and not all by `frombuf`."""
        if self.type in _EXTENDED and self.size > _HEADER_BYTES:
            raise TooMuch(f"an extended header of {self.size} bytes")
        return super()._proc_member(tar)  # type: ignore[misc,no-any-return]  # not in typeshed


def opened(stream: IO[bytes], mode: Literal["r|", "r|*", "r:"] = "r|") -> tarfile.TarFile:
    """A tar whose headers are bounded and whose names are UTF-8. Reading it raises TooMuch, tarfile.TarError or ValueError."""
    return tarfile.open(fileobj=stream, mode=mode, tarinfo=Header, encoding="utf-8", errors="strict")


def bounded(tar: tarfile.TarFile, bounds: Bounds) -> Iterator[tarfile.TarInfo]:
    """Member by member. Raises TooMuch."""
    total = 0
    for count, member in enumerate(tar, 1):
        total += member.size
        if count > bounds.members:
            raise TooMuch(f"it has over {bounds.members} members")
        if total > bounds.tar_bytes:
            raise TooMuch(f"unpacked it is over {bounds.tar_bytes} bytes")
        yield member


@dataclass
class Rules:
    """What was taken so far, under the one top folder: type by name, and the target of every symbolic link by its name."""

    top: str
    kinds: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def add(self, member: tarfile.TarInfo) -> None:
        """Take a member. Raises Unsafe for one that is harmful by itself, and leaves it out."""
        name = member.name
        if member.type not in _ALLOWED or member.issparse():
            raise Unsafe(f"{name} is neither file, folder nor link")
        if member.mode & _SPECIAL_BITS:
            raise Unsafe(f"{name} is setuid, setgid or sticky")
        if not self._inside(name) or not name.isprintable():
            raise Unsafe(f"{name!r} is not under {self.top}/")
        if name in self.kinds:
            raise Unsafe(f"{name} is there twice")
        if member.islnk() and self.kinds.get(member.linkname) not in (*_FILES, tarfile.LNKTYPE):
            raise Unsafe(f"{name} is a hard link to {member.linkname!r}, which is no file before it")
        self.kinds[name] = member.type
        if member.issym():
            self.links[name] = member.linkname

    def check(self) -> None:
        """That no member lies behind a link, and no link leads out. Raises Unsafe. Only the whole archive tells."""
        if self.kinds.get(self.top, tarfile.DIRTYPE) != tarfile.DIRTYPE:
            raise Unsafe(f"{self.top} is no folder")
        for name in self.kinds:
            self._check_place(name)
        for name in self.links:
            self.check_link(name)

    def check_link(self, name: str) -> None:
        """That this link stays inside, wherever it is unpacked, and ends somewhere. Raises Unsafe."""
        place = self._target(name)
        if through := next((parent for parent in _parents(place) if parent in self.links), ""):
            raise Unsafe(f"the link {name} leads through the link {through}")
        for _ in range(_CHAIN):
            if place not in self.links:
                return
            place = self._target(place)
        raise Unsafe(f"the link {name} leads from link to link and nowhere")

    def _target(self, name: str) -> str:
        # Only '../..' at the start: then each '..' leaves a true folder, and the path means what it says.
        target = self.links[name]
        parts = target.split("/")
        ups = next((count for count, part in enumerate(parts) if part != ".."), len(parts))
        folder = name.split("/")[:-1]
        place = "/".join([*folder[: len(folder) - ups], *parts[ups:]])
        if ups >= len(folder) or not self._inside(place):
            raise Unsafe(f"the link {name} leads out, to {target!r}")
        return place

    def _check_place(self, name: str) -> None:
        for parent in _parents(name):
            if self.kinds.get(parent, tarfile.DIRTYPE) != tarfile.DIRTYPE:
                raise Unsafe(f"{name} lies behind {parent}, which is no folder")

    def _inside(self, name: str) -> bool:
        parts = name.split("/")
        return parts[0] == self.top and not {"", ".", ".."} & set(parts)


def extract(stream: IO[bytes], folder: Path, top: str, bounds: Bounds = LIMITS) -> None:
    """Unpack a tar into an empty folder: modes 755 and 644, links last, so that nothing is ever written through one.

    Raises Unsafe, and leaves what was unpacked until then. Reading raises what `opened` says, and OSError.
    """
    rules = Rules(top)
    with opened(stream) as tar:
        for member in bounded(tar, bounds):
            rules.add(member)
            try:
                place(tar, member, folder)
            except (FileExistsError, NotADirectoryError) as error:
                raise Unsafe(f"{member.name} lies where something else does") from error
    rules.check()
    for name, target in rules.links.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


def place(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Unpack a member that the rules took, unless it is a symbolic link. There must be none in the folder yet."""
    path = folder / member.name
    if member.isdir():
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if member.islnk():
        path.hardlink_to(folder / member.linkname)
    elif member.isreg() and (data := tar.extractfile(member)):
        with data, path.open("xb") as file:
            shutil.copyfileobj(data, file, 1 << 20)
        path.chmod(0o755 if member.mode & _RUNNABLE else 0o644)


def _parents(name: str) -> Iterator[str]:
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))
