"""The dynamic symbols of an ELF file: what it offers, what it wants, and in which versions of libraries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.sections import SymbolTableSection

if TYPE_CHECKING:
    from pathlib import Path

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
