"""The dynamic symbols of an ELF file: what it offers, what it wants, and in which versions of libraries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

if TYPE_CHECKING:
    from pathlib import Path

    from elftools.elf.sections import Symbol

_GLIBC = re.compile(r"GLIBC_(\d+(?:\.\d+)+)$")


@dataclass(frozen=True)
class Symbols:
    """Names of global symbols; `versions` are those that it wants of others, e.g. 'GLIBC_2.38'."""

    exported: frozenset[str]
    wanted: frozenset[str]
    versions: frozenset[str]

    @property
    def glibc(self) -> tuple[int, ...]:
        """The highest version of glibc's symbols that it wants; () for none."""
        found = (_GLIBC.match(version) for version in self.versions)
        return max((tuple(int(part) for part in match[1].split(".")) for match in found if match), default=())


def read(path: Path) -> Symbols:
    """The symbols that a loader sees. Whatever pyelftools raises, the scan of all ELF files has raised before."""
    exported: set[str] = set()
    wanted: set[str] = set()
    versions: set[str] = set()
    with path.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, SymbolTableSection) and section.header.sh_type == "SHT_DYNSYM":
                for symbol in section.iter_symbols():
                    if symbol.name and symbol.entry.st_info.bind != "STB_LOCAL":
                        (wanted if symbol.entry.st_shndx == "SHN_UNDEF" else exported).add(symbol.name)
            elif isinstance(section, GNUVerNeedSection):
                versions.update(auxiliary.name for _, auxiliaries in section.iter_versions() for auxiliary in auxiliaries)
    return Symbols(frozenset(exported), frozenset(wanted), frozenset(versions))


@dataclass(frozen=True)
class Defined:
    """The versions that a library gives its symbols, e.g. 'OPENSSL_1_1_0', and the exported symbols that have none."""

    versions: frozenset[str]
    bare: frozenset[str]


def defined(path: Path) -> Defined:
    """How a library's symbols are told from those of another one. It raises as `read` does."""
    versions: set[str] = set()
    exported: list[str] = []  # '' for what nobody else sees
    indices: list[object] = []
    with path.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, GNUVerDefSection):
                for version, auxiliaries in section.iter_versions():
                    if not version.entry.vd_flags & _BASE:
                        versions.add(next(auxiliaries).name)
            elif isinstance(section, GNUVerSymSection):
                indices = [symbol.entry.ndx for symbol in section.iter_symbols()]
            elif isinstance(section, SymbolTableSection) and section.header.sh_type == "SHT_DYNSYM":
                exported = [symbol.name if _offered(symbol) else "" for symbol in section.iter_symbols()]
    told = zip_longest(exported, indices[: len(exported)], fillvalue=_NO_VERSION[-1])
    return Defined(frozenset(versions), frozenset(str(name) for name, index in told if name and index in _NO_VERSION))


def _offered(symbol: Symbol) -> bool:
    return bool(symbol.entry.st_shndx != "SHN_UNDEF" and symbol.entry.st_info.bind != "STB_LOCAL")


_BASE = 1  # the entry that names the file itself
_NO_VERSION = ("VER_NDX_LOCAL", "VER_NDX_GLOBAL")
