"""What an ELF file says of itself, as one frozen value. pyelftools is imported nowhere else in verification."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from elftools.elf.constants import P_FLAGS
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_RELOC_TYPE_AARCH64, ENUM_RELOC_TYPE_x64
from elftools.elf.sections import NoteSection

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"\x7fELF"
_HEAD = 64  # bytes of an ELF header
# The relocation of an offset from the thread pointer. https://github.com/ARM-software/abi-aa/blob/main/aaelf64/aaelf64.rst
_OFFSETS = {
    "EM_X86_64": ENUM_RELOC_TYPE_x64["R_X86_64_TPOFF64"],
    "EM_AARCH64": ENUM_RELOC_TYPE_AARCH64["R_AARCH64_TLS_TPREL64"],
}
_RELA, _TYPE, _BITS = struct.Struct("<QQq"), 0xFFFFFFFF, 64
_DF_TEXTREL, _DF_BIND_NOW, _DF_STATIC_TLS, _DF_1_NOW = 0x4, 0x8, 0x10, 0x1


@dataclass(frozen=True)
class Elf:
    """An executable or shared object. `path` is relative to the tree; `runpath` has DT_RPATH's entries too.

    `debuglink` is None without a .gnu_debuglink and '' with a broken one. `thread_local`: bytes of thread-local variables;
    `thread_local_fixed` says that they are used at a fixed offset. `fixed_address`: it is loaded where its file says.
    """

    path: str
    needed: tuple[str, ...]
    soname: str
    runpath: tuple[str, ...]
    relro: bool
    bind_now: bool
    stack: Literal["plain", "executable", "unsaid"]
    text_relocations: bool
    writable_code: bool
    build_id: str
    debuglink: str | None
    debuglink_crc: int
    machine: str
    debug_sections: bool
    thread_local: int
    thread_local_fixed: bool
    fixed_address: bool


@dataclass(frozen=True)
class Scan:
    """All ELF files of a tree that a loader would load; those that nobody can read, with the reason; object files, which only a
    linker reads, with their machine.
    """

    elves: tuple[Elf, ...]
    broken: tuple[tuple[str, str], ...]
    objects: tuple[tuple[str, str], ...] = ()


def scan(tree: Path) -> Scan:
    """Read every regular ELF file under `tree`."""
    elves: list[Elf] = []
    objects: list[tuple[str, str]] = []
    broken: list[tuple[str, str]] = []
    for path in sorted(tree.rglob("*")):
        if path.is_symlink() or not path.is_file() or not is_elf(path):
            continue
        name = path.relative_to(tree).as_posix()
        try:
            found = read(path, name)
        except Exception as error:  # pyelftools raises whatever its parser meets in a file that lies about itself
            broken.append((name, f"{type(error).__name__}: {error}"))
        else:
            if found:
                elves.append(found)
            else:
                with path.open("rb") as file:
                    objects.append((name, machine_of(file.read(_HEAD))))
    return Scan(tuple(elves), tuple(broken), tuple(objects))


def is_elf(path: Path) -> bool:
    """Whether a file begins like one."""
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def read(path: Path, name: str) -> Elf | None:
    """What the file says; None for an object file."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        if elf.header.e_type not in ("ET_EXEC", "ET_DYN"):
            return None
        tags = _tags(elf)
        flags, flags_1 = tags.numbers.get("DT_FLAGS", 0), tags.numbers.get("DT_FLAGS_1", 0)
        segments = list(elf.iter_segments())
        return Elf(
            path=name,
            needed=tuple(tags.texts.get("DT_NEEDED", ())),
            soname=next(iter(tags.texts.get("DT_SONAME", ())), ""),
            runpath=tuple(
                entry for tag in ("DT_RPATH", "DT_RUNPATH") for text in tags.texts.get(tag, ()) for entry in text.split(":")
            ),
            relro=any(segment.header.p_type == "PT_GNU_RELRO" for segment in segments),
            bind_now="DT_BIND_NOW" in tags.numbers or bool(flags & _DF_BIND_NOW or flags_1 & _DF_1_NOW),
            stack=_stack(segments),
            text_relocations="DT_TEXTREL" in tags.numbers or bool(flags & _DF_TEXTREL),
            writable_code=any(_writable_code(segment) for segment in segments),
            build_id=_build_id(elf),
            debuglink=_debuglink(elf),
            debuglink_crc=_debuglink_crc(elf),
            machine=str(elf.header.e_machine),
            debug_sections=any(section.name == ".debug_info" for section in elf.iter_sections()),
            thread_local=sum(segment.header.p_memsz for segment in segments if segment.header.p_type == "PT_TLS"),
            thread_local_fixed=bool(flags & _DF_STATIC_TLS) or _fixed_offsets(elf),
            fixed_address=elf.header.e_type == "ET_EXEC",
        )


@dataclass(frozen=True)
class _Tags:
    texts: dict[str, list[str]]
    numbers: dict[str, int]


def _tags(elf: ELFFile) -> _Tags:
    tags = _Tags({}, {})
    for section in elf.iter_sections():
        if not isinstance(section, DynamicSection):
            continue
        for tag in section.iter_tags():
            kind = tag.entry.d_tag
            text = {"DT_NEEDED": "needed", "DT_SONAME": "soname", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}.get(kind)
            if text:
                tags.texts.setdefault(kind, []).append(getattr(tag, text))
            else:
                tags.numbers[kind] = tag.entry.d_val
    return tags


def _fixed_offsets(elf: ELFFile) -> bool:
    """Whether the loader fills in offsets from the thread pointer: linkers of ARM machines set no flag for that."""
    section, wanted = elf.get_section_by_name(".rela.dyn"), _OFFSETS.get(elf.header.e_machine)
    entries = _RELA.iter_unpack(section.data()) if section and wanted and elf.elfclass == _BITS else ()
    return any(info & _TYPE == wanted for _, info, _ in entries)


def _stack(segments: list[Any]) -> Literal["plain", "executable", "unsaid"]:
    for segment in segments:
        if segment.header.p_type == "PT_GNU_STACK":
            return "executable" if segment.header.p_flags & P_FLAGS.PF_X else "plain"
    return "unsaid"


def _writable_code(segment: Any) -> bool:  # noqa: ANN401 - pyelftools is untyped
    both = P_FLAGS.PF_W | P_FLAGS.PF_X
    return bool(segment.header.p_type == "PT_LOAD" and segment.header.p_flags & both == both)


def _build_id(elf: ELFFile) -> str:
    section = elf.get_section_by_name(".note.gnu.build-id")
    if not isinstance(section, NoteSection):
        return ""
    return next((str(note.n_desc) for note in section.iter_notes() if note.n_type == "NT_GNU_BUILD_ID"), "")


def _debuglink(elf: ELFFile) -> str | None:
    """The name in .gnu_debuglink: a file name, NUL, padding to four bytes, four bytes of CRC32 (GDB manual, 18.3)."""
    section = elf.get_section_by_name(".gnu_debuglink")
    if section is None:
        return None
    data = bytes(section.data())
    name, nul, _ = data.partition(b"\0")
    whole = (len(name) + 4) // 4 * 4 + 4
    return name.decode("utf-8", "replace") if nul and name and b"/" not in name and len(data) == whole else ""


def _debuglink_crc(elf: ELFFile) -> int:
    section = elf.get_section_by_name(".gnu_debuglink")
    return int.from_bytes(section.data()[-4:], "little" if elf.little_endian else "big") if section else 0


def build_id(path: Path) -> str:
    """The build id of any ELF file; '' when it has none, or nobody can read it."""
    try:
        with path.open("rb") as file:
            return _build_id(ELFFile(file))
    except Exception:  # as in scan()
        return ""


def producers(path: Path) -> dict[str, int]:
    """What compilers wrote into debug information about themselves and their flags, and in how many files of the source."""
    found: dict[str, int] = {}
    try:
        with path.open("rb") as file:
            for unit in ELFFile(file).get_dwarf_info().iter_CUs():
                told = unit.get_top_DIE().attributes.get("DW_AT_producer")
                text = told.value.decode("utf-8", "replace") if told else ""
                found[text] = found.get(text, 0) + 1
    except Exception:  # as in scan()
        return {}
    return found


def crc32(path: Path) -> int:
    """The checksum that a debuglink holds of a file of debug information."""
    with path.open("rb") as file:
        value = 0
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
        return value


def machine_of(head: bytes) -> str:
    """What the first 64 bytes of an ELF file say that it is for, e.g. 'EM_X86_64'; '' when they are no ELF header."""
    try:
        return str(ELFFile(io.BytesIO(head[:_HEAD].ljust(_HEAD, b"\0"))).header.e_machine) if head.startswith(MAGIC) else ""
    except Exception:  # as in scan()
        return ""


def loaded_bytes(path: Path) -> bytes:
    """Everything of an ELF file that is not debug information; the whole file when it cannot be read as ELF."""
    try:
        with path.open("rb") as file:
            sections = [
                section for section in ELFFile(file).iter_sections() if not section.name.startswith((".debug", ".zdebug"))
            ]
            return b"\0".join(section.data() for section in sections if section.header.sh_type != "SHT_NOBITS")
    except Exception:  # as in scan(); an unreadable file must not hide a leaked path
        return path.read_bytes()
