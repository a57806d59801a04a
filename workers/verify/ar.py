"""Reading a static library: its members and the symbols of its index. The format of `ar`, as GNU binutils writes it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"!<arch>\n"
_HEADER = struct.Struct("16s12s6s6s8s10s2s")
_END = b"`\n"
_INDEX, _LONG_NAMES = "/", "//"


class Broken(ValueError):  # noqa: N818 - named for what happened
    """It is no static library, or a damaged one."""


@dataclass(frozen=True)
class Library:
    """Members in their order, with the first bytes of each, and the global symbols that a linker finds in it."""

    members: tuple[tuple[str, bytes], ...]
    symbols: frozenset[str]


def read(path: Path, head: int = 64) -> Library:
    """Read a static library; `head` is how many bytes of each member are kept. Raises Broken."""
    members: list[tuple[str, bytes]] = []
    symbols: frozenset[str] = frozenset()
    long_names = b""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise Broken("it does not begin like a static library")
        while header := file.read(_HEADER.size):
            name, size = _header(header)
            start = file.tell()
            if name == _INDEX:
                symbols = _symbols(file.read(size))
            elif name == _LONG_NAMES:
                long_names = file.read(size)
            else:
                members.append((_full(name, long_names), file.read(min(head, size))))
            file.seek(0, 2)
            if file.tell() < start + size:
                raise Broken(f"it is cut short in its member {name}")
            file.seek(start + size + size % 2)
    return Library(tuple(members), symbols)


def _header(raw: bytes) -> tuple[str, int]:
    if len(raw) != _HEADER.size:
        raise Broken("it is cut short")
    name, *_, size, end = _HEADER.unpack(raw)
    if end != _END or not size.strip().isdigit():
        raise Broken("a member's header is damaged")
    return name.decode("utf-8", "replace").rstrip(), int(size)


def _full(name: str, long_names: bytes) -> str:
    if name.startswith("/") and name[1:].isdigit():
        return long_names[int(name[1:]) :].partition(b"/\n")[0].decode("utf-8", "replace")
    return name.removesuffix("/")


def _symbols(data: bytes) -> frozenset[str]:
    """The index: a count, as many offsets, then as many names, each ended by NUL; numbers are big-endian."""
    count = int.from_bytes(data[:4], "big")
    names = data[4 + 4 * count :].split(b"\0")
    if len(names) < count:
        raise Broken("its index is damaged")
    return frozenset(name.decode("utf-8", "replace") for name in names[:count])
