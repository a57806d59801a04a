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
    entries: dict[str, Entry] = {}
    with tarfile.open(spool, "r:") as tar:
        for member in tar:
            path = posixpath.normpath(member.name)
            if path != prefix and not path.startswith(f"{prefix}/"):
                raise BuildFailed(f"the build put {member.name!r} outside {prefix}/")
            if entry := _entry(member, path, prefix, spool, entries):
                entries[path.removeprefix(f"{prefix}/")] = entry
    return Tree(entries)


def _entry(member: tarfile.TarInfo, path: str, prefix: str, spool: Path, seen: Mapping[str, Entry]) -> Entry | None:
    if ".." in path.split("/"):
        raise BuildFailed(f"the build made a file with an odd name: {member.name!r}")
    if member.isdir():
        return None
    if member.isfile():
        content = Content(member.size, spool=spool, offset=member.offset_data)
        return Entry("file", content, executable=bool(member.mode & 0o100))
    if member.islnk():  # a hard link is written out as the file it is
        original = seen.get(posixpath.normpath(member.linkname).removeprefix(f"{prefix}/"))
        if original is None:
            raise BuildFailed(f"{path} is a hard link to {member.linkname}, which is not in the tree")
        return replace(original)
    if member.issym():
        return Entry("link", target=_inside(path, member.linkname, prefix))
    raise BuildFailed(f"{path} is neither a file, a folder nor a link")


def _inside(path: str, target: str, prefix: str) -> str:
    """A link's target as a relative path that stays in the tree. Raises BuildFailed."""
    where = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), target))
    if not where.startswith(f"/{prefix}/"):
        raise BuildFailed(f"{path} links to {target}, which is outside the tree")
    return posixpath.relpath(where, posixpath.join("/", posixpath.dirname(path)))
