"""ELF files made to order, so that no test needs a compiler, and every defect can be had alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_EHDR, _PHDR, _SHDR = "<16sHHIQQQIHHHHHH", "<IIQQQQQQ", "<IIQQQQIIQQ"
_DT = {"needed": 1, "soname": 14, "rpath": 15, "textrel": 22, "bind_now": 24, "runpath": 29}
_LOAD, _DYNAMIC, _STACK, _RELRO = 1, 2, 0x6474E551, 0x6474E552
_R, _W, _X = 4, 2, 1


@dataclass(frozen=True)
class Shape:
    """What the file says; as it stands, nothing is wrong with it."""

    needed: tuple[str, ...] = ("libc.so.6",)
    soname: str = ""
    runpath: str = ""
    rpath: str = ""
    bind_now: bool = True
    relro: bool = True
    stack: int | None = _R | _W
    textrel: bool = False
    load: int = _R | _X
    build_id: bytes = b"\x01" * 20
    debuglink: bytes | None = b"a.debug\0CRC4"
    sections: dict[str, bytes] = field(default_factory=dict)
    kind: int = 3


def elf(shape: Shape) -> bytes:
    """The file's bytes: header, segments, sections' content, section headers."""
    dynamic, strings = _dynamic(shape)
    note = struct.pack("<III", 4, len(shape.build_id), 3) + b"GNU\0" + shape.build_id if shape.build_id else b""
    content = [
        (".dynstr", 3, strings),
        (".dynamic", 6, dynamic),
        *([(".note.gnu.build-id", 7, note)] if note else []),
        *([(".gnu_debuglink", 1, shape.debuglink)] if shape.debuglink is not None else []),
        *((name, 1, data) for name, data in shape.sections.items()),
    ]
    segments = _segments(shape)
    return _assembled(shape.kind, segments, content)


def _dynamic(shape: Shape) -> tuple[bytes, bytes]:
    strings, tags = b"\0", []
    texts = [
        *(("needed", name) for name in shape.needed),
        ("soname", shape.soname),
        ("rpath", shape.rpath),
        ("runpath", shape.runpath),
    ]
    for tag, text in texts:
        if text:
            tags.append((_DT[tag], len(strings)))
            strings += text.encode() + b"\0"
    tags += [(_DT[tag], 0) for tag, yes in (("textrel", shape.textrel), ("bind_now", shape.bind_now)) if yes]
    return b"".join(struct.pack("<QQ", *tag) for tag in [*tags, (0, 0)]), strings


def _segments(shape: Shape) -> list[tuple[int, int]]:
    stack = [] if shape.stack is None else [(_STACK, shape.stack)]
    return [(_LOAD, shape.load), *stack, *([(_RELRO, _R)] if shape.relro else [])]


def _assembled(kind: int, segments: list[tuple[int, int]], content: list[tuple[str, int, bytes]]) -> bytes:
    names = b"\0" + b"".join(name.encode() + b"\0" for name, _, _ in content) + b".shstrtab\0"
    content = [*content, (".shstrtab", 3, names)]
    body = struct.calcsize(_EHDR) + len(segments) * struct.calcsize(_PHDR)
    headers, blob = [struct.pack(_SHDR, *[0] * 10)], b""
    for name, type_, data in content:
        place, link = body + len(blob), 1 if type_ == 6 else 0
        entry = 16 if type_ == 6 else 0
        headers.append(struct.pack(_SHDR, names.index(name.encode() + b"\0"), type_, 0, 0, place, len(data), link, 0, 4, entry))
        blob += data + b"\0" * (-len(data) % 8)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack(
        _EHDR,
        ident,
        kind,
        62,
        1,
        0,
        struct.calcsize(_EHDR),
        body + len(blob),
        0,
        64,
        56,
        len(segments),
        64,
        len(headers),
        len(content),
    )
    table = b"".join(struct.pack(_PHDR, type_, flags, 0, 0, 0, 0, 0, 8) for type_, flags in segments)
    return header + table + blob + b"".join(headers)
