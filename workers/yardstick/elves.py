"""What ELF files show of how they were hardened, and what they need. pyelftools, as in verification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from farm.errors import BuildFailed
from workers.verify import elf
from workers.verify.expected import Guard, guards

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# The instruction at the start of a function that may be branched to: endbr64, paciasp. The note that says it of a whole file is
# dropped by the linker where the C library's own start files lack it, as Debian's do.
_BRANCH_TARGET = {"EM_X86_64": b"\xf3\x0f\x1e\xfa", "EM_AARCH64": b"\x3f\x23\x03\xd5"}
_OF_START_FILES = 4  # what gcc's own start files bring into everything that is linked
CONTROL_FLOW = "control flow"


@dataclass(frozen=True)
class Binary:
    """A binary of the distro's Python: what it is part of, what it needs, and the features that it shows."""

    part: str
    needed: tuple[str, ...]
    features: frozenset[str]


def binary(path: Path) -> Binary:
    """Read a file that the probe copied: `executable`, `libpython` or `module NAME`. Raises BuildFailed."""
    part = "modules" if path.name.startswith("module ") else path.name
    try:
        read = elf.read(path, path.name)
        features = frozenset(_features(path, read)) if read else frozenset()
    except Exception as error:  # pyelftools raises whatever its parser meets
        raise BuildFailed(f"the distro's {path.name} cannot be read as ELF: {error}") from error
    return Binary(part, read.needed if read else (), features)


def hardening(binaries: Iterable[Binary]) -> dict[str, tuple[str, ...]]:
    """For each feature the parts that have it: all files of a part; of what a small file may have no occasion for, any."""
    parts: dict[str, list[Binary]] = {}
    for one in binaries:
        parts.setdefault(one.part, []).append(one)
    counted = {CONTROL_FLOW, *(_called(guard) for guard in guards())}
    features = sorted({feature for files in parts.values() for one in files for feature in one.features})
    return {
        feature: tuple(
            part
            for part, files in sorted(parts.items())
            if (any if feature in counted else all)(feature in one.features for one in files)
        )
        for feature in features
    }


def _features(path: Path, read: elf.Elf) -> Iterator[str]:
    for name, shown in (
        ("relro", read.relro),
        ("bind now", read.bind_now),
        ("no executable stack", read.stack == "plain"),
        ("no text relocations", not read.text_relocations),
    ):
        if shown:
            yield name
    with path.open("rb") as file:
        opened = ELFFile(file)
        if opened.header.e_type == "ET_DYN":
            yield "position independent"
        code = opened.get_section_by_name(".text")
        mark = _BRANCH_TARGET.get(opened.header.e_machine)
        if code and mark and code.data().count(mark) > _OF_START_FILES:
            yield CONTROL_FLOW
        table = opened.get_section_by_name(".dynsym")
        called = {symbol.name for symbol in table.iter_symbols()} if isinstance(table, SymbolTableSection) else set()
    yield from (_called(guard) for guard in guards() if any(guard.matches(name) for name in called))


def _called(guard: Guard) -> str:
    return f"calls {guard.calls[0]}"
