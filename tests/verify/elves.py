"""ELF files made to order, so that no test needs a compiler, and every defect can be had alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_EHDR, _PHDR, _SHDR = "<16sHHIQQQIHHHHHH", "<IIQQQQQQ", "<IIQQQQIIQQ"
_AARCH64 = 183  # whose linker sets no flag for variables at a fixed offset
_FLAGS, _STATIC_TLS = 30, 0x10
_DT = {"needed": 1, "soname": 14, "rpath": 15, "textrel": 22, "bind_now": 24, "runpath": 29}
_LOAD, _TLS, _STACK, _RELRO = 1, 7, 0x6474E551, 0x6474E552
_R, _W, _X = 4, 2, 1
_LINKS = {6: 1, 11: 1, 0x6FFFFFFE: 1, 0x6FFFFFFD: 1, 0x6FFFFFFF: 3}  # to the strings; of .gnu.version to the symbols


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
    machine: int = 62
    exports: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    glibc: str = "2.38"
    version: str = ""
    thread_local: int = 0
    thread_local_fixed: bool = True


def elf(shape: Shape) -> bytes:
    """The file's bytes: header, segments, sections' content, section headers."""
    dynamic, strings = _dynamic(shape)
    symbols, strings = _symbols(shape, strings)
    versions, strings = _versions(shape, strings)
    definitions, strings = _definitions(shape, strings)
    note = struct.pack("<III", 4, len(shape.build_id), 3) + b"GNU\0" + shape.build_id if shape.build_id else b""
    content = [
        (".dynstr", 3, strings),
        (".dynamic", 6, dynamic),
        (".dynsym", 11, symbols),
        (".gnu.version_r", 0x6FFFFFFE, versions),
        *(
            [(".gnu.version_d", 0x6FFFFFFD, definitions), (".gnu.version", 0x6FFFFFFF, _indices(shape))]
            if shape.version
            else []
        ),
        *([(".rela.dyn", 4, _relocations(shape))] if shape.thread_local else []),
        *([(".note.gnu.build-id", 7, note)] if note else []),
        *([(".gnu_debuglink", 1, shape.debuglink)] if shape.debuglink is not None else []),
        *((name, 1, data) for name, data in shape.sections.items()),
    ]
    segments = _segments(shape)
    return _assembled(shape, segments, content)


def _symbols(shape: Shape, strings: bytes) -> tuple[bytes, bytes]:
    """Global functions; one without a section is wanted."""
    entries = [bytes(24)]
    for name, section in [*((name, 1) for name in shape.exports), *((name, 0) for name in shape.imports)]:
        entries.append(struct.pack("<IBBHQQ", len(strings), 0x12, 0, section, 0, 0))
        strings += name.encode() + b"\0"
    return b"".join(entries), strings


def _versions(shape: Shape, strings: bytes) -> tuple[bytes, bytes]:
    """One version that is wanted of glibc."""
    file, name = len(strings), len(strings) + len("libc.so.6") + 1
    table = struct.pack("<HHIII", 1, 1, file, 16, 0) + struct.pack("<IHHII", 0, 0, 2, name, 0)
    return table, strings + b"libc.so.6\0" + f"GLIBC_{shape.glibc}".encode() + b"\0"


def _definitions(shape: Shape, strings: bytes) -> tuple[bytes, bytes]:
    """The file's own name, and one version that its exported symbols have."""
    name = len(strings)
    table = struct.pack("<HHHHIII", 1, 1, 1, 1, 0, 20, 28) + struct.pack("<II", name, 0)
    table += struct.pack("<HHHHIII", 1, 0, 3, 1, 0, 20, 0) + struct.pack("<II", name + len(shape.soname) + 1, 0)
    return table, strings + shape.soname.encode() + b"\0" + shape.version.encode() + b"\0"


def _indices(shape: Shape) -> bytes:
    """The version of each dynamic symbol; one whose name begins with an underscore has none."""
    exports = [1 if name.startswith("_") else 3 for name in shape.exports]
    return struct.pack(f"<{1 + len(exports) + len(shape.imports)}H", 0, *exports, *(2 for _ in shape.imports))


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
    if shape.thread_local and shape.thread_local_fixed and shape.machine != _AARCH64:
        tags.append((_FLAGS, _STATIC_TLS))
    return b"".join(struct.pack("<QQ", *tag) for tag in [*tags, (0, 0)]), strings


def _relocations(shape: Shape) -> bytes:
    """Of a thread-local variable, after one that has nothing to do with it."""
    fixed, called = (1030, 1031) if shape.machine == _AARCH64 else (18, 16)
    return struct.pack("<QQq", 8, 8, 0) + struct.pack("<QQq", 16, 7 << 32 | (fixed if shape.thread_local_fixed else called), 0)


def _segments(shape: Shape) -> list[tuple[int, int, int]]:
    """Kind, flags, and bytes in memory."""
    stack = [] if shape.stack is None else [(_STACK, shape.stack, 0)]
    threads = [(_TLS, _R, shape.thread_local)] if shape.thread_local else []
    return [(_LOAD, shape.load, 0), *stack, *threads, *([(_RELRO, _R, 0)] if shape.relro else [])]


def _assembled(shape: Shape, segments: list[tuple[int, int, int]], content: list[tuple[str, int, bytes]]) -> bytes:
    names = b"\0" + b"".join(name.encode() + b"\0" for name, _, _ in content) + b".shstrtab\0"
    content = [*content, (".shstrtab", 3, names)]
    body = struct.calcsize(_EHDR) + len(segments) * struct.calcsize(_PHDR)
    headers, blob = [struct.pack(_SHDR, *[0] * 10)], b""
    for name, type_, data in content:
        place, link = body + len(blob), _LINKS.get(type_, 0)
        entry, info = {4: 24, 6: 16, 11: 24, 0x6FFFFFFF: 2}.get(type_, 0), {11: 1, 0x6FFFFFFE: 1, 0x6FFFFFFD: 2}.get(type_, 0)
        at = names.index(b"\0" + name.encode() + b"\0") + 1
        headers.append(struct.pack(_SHDR, at, type_, 0, 0, place, len(data), link, info, 4, entry))
        blob += data + b"\0" * (-len(data) % 8)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack(
        _EHDR,
        ident,
        shape.kind,
        shape.machine,
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
    table = b"".join(struct.pack(_PHDR, type_, flags, 0, 0, 0, 0, size, 8) for type_, flags, size in segments)
    return header + table + blob + b"".join(headers)
