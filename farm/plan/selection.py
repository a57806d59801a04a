"""The rows of facts that hold for a cell, and what they come to. The recipe and its reasons are both read from here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeVar

from farm.errors import BadInput
from farm.plan import distro_rows, rows
from farm.plan.cross import cross
from farm.plan.packages import Packages, packages
from farm.plan.recipe import Bytecode, Cross, Layout, Library, ModuleRule, Patch, Source, Trim
from farm.plan.scope import Place, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.plan.cell import Cell
    from farm.plan.facts import Facts
    from farm.plan.options import Options

S = TypeVar("S", bound=Scope)
Rows = tuple[tuple[str, S], ...]


@dataclass(frozen=True)
class Selection:
    """The rows that hold at a place, each with its key, in file order. Shared by all cells for which they are the same."""

    series_name: str
    series: rows.SeriesRow
    variant: rows.VariantRow
    configure: Rows[rows.ConfigureRow]
    flags: Rows[rows.FlagRow]
    make_words: Rows[rows.MakeRow]
    environment: Rows[rows.EnvironmentRow]
    packages: Packages
    trim_rows: Rows[rows.TrimRow]
    module_rows: Rows[rows.ModuleRow]
    linked_rows: Rows[rows.LinkedRow]
    rejected_rows: Rows[rows.RejectedRow]
    scrub: Rows[rows.ScrubRow]
    patch_rows: Rows[rows.PatchRow]
    library_rows: Rows[rows.LibraryRow]
    arch: str
    family: distro_rows.FamilyRow
    cross_rows: Rows[rows.CrossRow]
    cross: Cross | None

    @cached_property
    def layout(self) -> Layout:
        """The names that the series and the variant give to things."""
        names = {"series": self.series_name, "abiflags": self.variant.abiflags, "thread": self.variant.thread}
        return Layout(
            series=self.series_name,
            abiflags=self.variant.abiflags,
            lib=self.series.lib.format(**names),
            executable=self.series.executable.format(**names),
            soname=self.series.soname.format(**names),
            names=self.series.names,
        )

    @cached_property
    def patches(self) -> tuple[Patch, ...]:
        """Patches in the order they are applied."""
        return tuple(Patch(file, row.sha256) for file, row in self.patch_rows)

    @cached_property
    def libraries(self) -> tuple[Library, ...]:
        """Libraries of our own that go into the tree."""
        return tuple(_library(name, row, self.arch, self.family.openssldir) for name, row in self.library_rows)

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """Arguments of configure."""
        return tuple(row.arg for _, row in self.configure)

    @cached_property
    def make(self) -> tuple[str, ...]:
        """`NAME=value` words for make in both passes: the flags by the variable that carries them, then whole words."""
        flags: dict[str, list[str]] = {}
        for _, row in self.flags:
            flags.setdefault(self.variable(row), []).append(row.flag)
        return (*(f"{name}={' '.join(words)}" for name, words in flags.items()), *self._words("both"))

    @cached_property
    def make_static(self) -> tuple[str, ...]:
        """`NAME=value` words that only pass 2 gets."""
        return self._words("static")

    @cached_property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """The environment's variables and their values."""
        return tuple((name, row.value) for name, row in self.environment)

    @cached_property
    def dropped(self) -> tuple[str, ...]:
        """Patterns of words that the shipped sysconfig has not."""
        return tuple(row.pattern for _, row in self.scrub if not row.becomes)

    @cached_property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """Patterns of words that are others there, and those."""
        return tuple((row.pattern, row.becomes) for _, row in self.scrub if row.becomes)

    @cached_property
    def trims(self) -> tuple[Trim, ...]:
        """What leaves install_only, with the library folder's name filled in."""
        lib = self.layout.lib
        return tuple(
            Trim(glob.format(lib=lib), row.archive, tuple(keep.format(lib=lib) for keep in row.keep))
            for _, row in self.trim_rows
            for glob in row.globs
        )

    @cached_property
    def modules(self) -> tuple[ModuleRule, ...]:
        """One rule a module."""
        return tuple(ModuleRule(name, row.present) for _, row in self.module_rows for name in row.names)

    @cached_property
    def linked(self) -> tuple[str, ...]:
        """Names of modules that are linked in, sorted."""
        return tuple(sorted({name for _, row in self.linked_rows for name in row.names}))

    def _words(self, passes: str) -> tuple[str, ...]:
        return tuple(row.word for _, row in self.make_words if row.passes == passes)

    def variable(self, row: rows.FlagRow) -> str:
        """Through which of make's variables the series takes a flag."""
        return self.series.compile_flags if row.goes_to == "compile" else self.series.link_flags


def impossible(cell: Cell, options: Options, facts: Facts) -> str:
    """Why the cell cannot be built, or ''. Raises BadInput when there are no facts for one of its names."""
    facts.check(cell)
    since = facts.variants[cell.variant].since
    if cell.python.key[: len(since)] < since:
        return f"the variant '{cell.variant}' is offered from Python {'.'.join(map(str, since))} on"
    place = facts.place(cell, options.optimize)
    return _reason(facts, place, options.bytecode or facts.series[cell.python.series].bytecode)


@lru_cache(maxsize=4096)  # as below
def _reason(facts: Facts, place: Place, bytecode: Bytecode) -> str:
    rows_here = (row for row in facts.impossible.values() if row.holds(place))
    return next((row.reason for row in rows_here if not row.bytecode or bytecode in row.bytecode), "")


def select(cell: Cell, options: Options, facts: Facts) -> Selection:
    """The rows that hold for a cell. Raises BadInput when it is impossible."""
    if reason := impossible(cell, options, facts):
        raise BadInput(f"{cell}: {reason}", hint="take it out of the matrix, e.g. with exclude")
    return _selection(facts, facts.place(cell, options.optimize), cell.python.series, cell.distro)


@lru_cache(maxsize=4096)  # thousands of cells differ only in their patch release
def _selection(facts: Facts, place: Place, series: str, distro: str) -> Selection:
    cross_rows = _holding(facts.cross, place)
    return Selection(
        cross_rows=cross_rows,
        cross=cross(facts, distro, place.arch, [row for _, row in cross_rows]),
        series_name=series,
        series=facts.series[series],
        variant=facts.variants[place.variant],
        configure=_holding(facts.configure, place),
        flags=_holding(facts.flags, place),
        make_words=_holding(facts.make, place),
        environment=_holding(facts.environment, place),
        packages=packages(facts.distros[distro], facts.capabilities, place),
        trim_rows=_holding(facts.trims, place),
        module_rows=_holding(facts.modules, place),
        linked_rows=_holding(facts.linked, place),
        rejected_rows=_holding(facts.rejected, place),
        scrub=_holding(facts.scrub, place),
        patch_rows=_holding(facts.patches, place),
        library_rows=_holding(facts.libraries, place),
        arch=place.arch,
        family=facts.distros[distro].family,
    )


def _holding(table: Mapping[str, S], place: Place) -> Rows[S]:
    return tuple((key, row) for key, row in table.items() if row.holds(place))


def _library(name: str, row: rows.LibraryRow, arch: str, openssldir: str) -> Library:
    def filled(text: str) -> str:
        return text.replace("{target}", row.targets[arch]).replace("{openssldir}", openssldir)

    return Library(
        name=name,
        version=row.version,
        source=Source(row.file, row.sha256, "", row.pool, row.epoch, row.url),
        files=tuple((path, filled(text)) for path, text in row.files.items()),
        commands=tuple(tuple(filled(word) for word in command) for command in row.commands),
        sonames=row.sonames,
        license=row.license,
    )
