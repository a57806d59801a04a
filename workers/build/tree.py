"""The tree: the installed files as a value. Paths, modes and link targets in memory, contents in one spool file.

It comes out of a box that ran foreign code, so it is never unpacked on this host: names and links are only data here.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from farm.errors import BuildFailed
from farm.store import members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Kind = Literal["file", "link", "folder"]


@dataclass(frozen=True)
class Content:
    """Bytes of a file: in memory, or `size` bytes at `offset` of a spool file."""

    size: int
    data: bytes = b""
    spool: Path | None = None
    offset: int = 0

    @classmethod
    def of(cls, data: bytes) -> Content:
        """Content that is in memory."""
        return cls(len(data), data)

    def read(self) -> bytes:
        """All of it."""
        if self.spool is None:
            return self.data
        with self.spool.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True)
class Entry:
    """One thing in the tree. `target` is a link's, relative; `executable` a file's mode, as far as it matters."""

    kind: Kind
    content: Content = Content(0)
    target: str = ""
    executable: bool = False


@dataclass(frozen=True)
class Tree:
    """Files and links by their path below the prefix, e.g. 'bin/python3.13'. Folders are implied by what lies in them."""

    entries: Mapping[str, Entry]

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises BuildFailed when there is no such file."""
        entry = self.entries.get(path)
        if entry is None or entry.kind != "file":
            raise BuildFailed(f"the tree has no file {path}")
        return entry.content.read()

    def files(self) -> Iterator[tuple[str, Entry]]:
        """Every regular file, in order of path."""
        return ((path, entry) for path, entry in sorted(self.entries.items()) if entry.kind == "file")

    def with_entries(self, changes: Mapping[str, Entry | None]) -> Tree:
        """This tree with entries added, replaced, or (None) removed."""
        merged = {**self.entries, **changes}
        return Tree({path: entry for path, entry in merged.items() if entry is not None})

    def only(self, wanted: Callable[[str], bool]) -> Tree:
        """The part of the tree whose paths are wanted."""
        return Tree({path: entry for path, entry in self.entries.items() if wanted(path)})


def read_tar(spool: Path, prefix: str) -> Tree:
    """The tree that lies under `prefix` in an uncompressed tar file, which must stay where it is.

    Raises BuildFailed on anything that has no place in an archive of ours: devices, links that leave the tree, odd names.
    """
    rules = members.Rules(prefix)
    entries: dict[str, Entry] = {}
    try:
        with spool.open("rb") as file, members.opened(file, "r:") as tar:
            for member in members.bounded(tar, members.LIMITS):
                plain = _plain(member)
                rules.add(plain)
                if entry := _entry(plain, prefix, spool, entries):
                    entries[plain.name.removeprefix(f"{prefix}/")] = entry
        rules.check()
    except (members.Unsafe, tarfile.TarError, ValueError) as error:
        raise BuildFailed(f"the build left what has no place in an archive: {error}") from error
    return Tree(entries)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The member as an archive of ours has it: no special bits, and a link relative where the build made it absolute."""
    member.mode &= 0o777
    if member.issym() and member.linkname:
        folder = posixpath.join("/", posixpath.dirname(member.name))
        member.linkname = posixpath.relpath(posixpath.join(folder, member.linkname), folder)
    return member


def _entry(member: tarfile.TarInfo, prefix: str, spool: Path, seen: Mapping[str, Entry]) -> Entry | None:
    if member.isdir():
        return None
    if member.issym():
        return Entry("link", target=member.linkname)
    if member.islnk():  # a hard link is written out as the file it is
        return replace(seen[member.linkname.removeprefix(f"{prefix}/")])
    return Entry("file", Content(member.size, spool=spool, offset=member.offset_data), executable=bool(member.mode & 0o100))
