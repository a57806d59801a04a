"""matrix.yaml to cells: text in, a `Matrix` out, or every mistake at once."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from farm.errors import BadInput
from farm.plan import matrix_file, yaml_text
from farm.plan.cell import Cell, Version
from farm.plan.matrix_file import AXES
from farm.plan.options import Options
from farm.plan.yaml_text import Path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.plan.facts import Facts
    from farm.plan.matrix_file import Choices, Exclude, MatrixFile
    from farm.plan.yaml_text import Document

MAX_CELLS = 200_000


@dataclass(frozen=True)
class Asked:
    """A cell that a matrix asks for, with its options."""

    cell: Cell
    options: Options


@dataclass(frozen=True)
class Matrix:
    """What a matrix asks for, in its order, and what the user should know about how it was read."""

    cells: tuple[Asked, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Draft:
    """A cell while its options are being gathered; `stated` says where each was set, for the message when two disagree."""

    choices: dict[str, Any] = field(default_factory=dict)
    stated: dict[str, Path] = field(default_factory=dict)


def read_matrix(text: bytes, name: str, facts: Facts) -> Matrix:
    """The cells of a matrix.yaml; `name` is the file's name for messages. Raises BadInput naming every mistake."""
    document = yaml_text.read(text, name)
    known = {
        "python": [*facts.sources, *facts.series],
        "distro": list(facts.distros),
        "arch": list(facts.arches),
        "variant": list(facts.variants),
    }
    return _Expansion(document, matrix_file.parse(document, known), facts).matrix()


class _Expansion:
    """One matrix being expanded: collects mistakes and notes on the way."""

    def __init__(self, document: Document, file: MatrixFile, facts: Facts) -> None:
        self._document = document
        self._file = file
        self._facts = facts
        self._mistakes: list[str] = []
        self._notes: list[str] = []
        self._drafts: dict[Cell, _Draft] = {}
        self._defaults = _stated(file)

    def matrix(self) -> Matrix:
        """All of it. Raises BadInput."""
        self._multiply()
        for number, entry in enumerate(self._file.exclude):
            self._exclude(("exclude", number), entry)
        for number, entry in enumerate(self._file.include):
            self._include(("include", number), entry)
        if not self._drafts and not self._mistakes:
            excluded = self._file.exclude and self._file.pythons
            why = "exclude takes out all of them" if excluded else "give 'pythons', 'distros' and 'arches', or 'include'"
            self._mistake(("exclude",) if excluded else (), f"asks for no cells: {why}")
        cells = tuple(Asked(cell, self._options(cell, draft)) for cell, draft in self._drafts.items())
        self._refuse()
        return Matrix(cells, tuple(dict.fromkeys(self._notes)))

    def _mistake(self, path: Path, what: str) -> None:
        self._mistakes.append(f"{self._document.at(path)}: {what}")

    def _refuse(self) -> None:
        matrix_file.refuse(self._mistakes)

    def _multiply(self) -> None:
        file = self._file
        given = {key for key in ("pythons", "distros", "arches") if getattr(file, key)}
        if given and len(given) < 3:  # noqa: PLR2004 - the three axes without which there is no cell
            for key in {"pythons", "distros", "arches"} - given:
                self._mistake((), f"key '{key}' is missing or empty, so that the other axes give no cell")
        for cell in self._product((file.pythons, file.distros, file.arches, file.variants), ()):
            if cell in self._drafts:
                self._notes.append(f"{cell} is asked for more than once by the axes; it is one cell")
            self._drafts[cell] = _Draft()

    def _product(self, axes: tuple[list[str], ...], path: Path) -> list[Cell]:
        """Every combination of pythons, distros, arches and variants."""
        if math.prod(len(axis) for axis in axes) + len(self._drafts) > MAX_CELLS:
            self._mistake(path, f"asks for more than {MAX_CELLS} cells")
            self._refuse()
        return [Cell(self._version(python), *names) for python in axes[0] for names in itertools.product(*axes[1:])]

    def _version(self, text: str) -> Version:
        """An exact version, or the newest of a series. The name was checked before."""
        if text in self._facts.sources:
            return Version.parse(text)
        if newest := self._facts.newest(text):
            return newest
        raise BadInput(f"{self._document.name}: there is no source of Python {text}", hint="add one to sources.toml")

    def _exclude(self, path: Path, entry: Exclude) -> None:
        matching = list(self._matching(entry))
        if not matching:
            self._notes.append(f"{self._document.at(path)}: excludes nothing")
        for cell in matching:
            del self._drafts[cell]

    def _include(self, path: Path, entry: matrix_file.Include) -> None:
        for single in _singles(entry):
            cells = list(self._matching(single)) or self._added(path, single)
            for cell in cells:
                self._lay_over(cell, self._drafts[cell], path, entry)

    def _matching(self, entry: Exclude) -> Iterator[Cell]:
        def matches(cell: Cell) -> bool:
            return all(
                names is None or not {str(value), *extra}.isdisjoint(names)
                for names, value, extra in (
                    (entry.python, cell.python, (cell.python.series,)),
                    (entry.distro, cell.distro, ()),
                    (entry.arch, cell.arch, ()),
                    (entry.variant, cell.variant, ()),
                )
            )

        return (cell for cell in list(self._drafts) if matches(cell))

    def _added(self, path: Path, entry: Exclude) -> list[Cell]:
        missing = [axis for axis in ("python", "distro", "arch") if getattr(entry, axis) is None]
        if missing:
            self._mistake(path, f"matches no cell; to add one, give it {' and '.join(missing)} too")
            return []
        cells = self._product((entry.python or [], entry.distro or [], entry.arch or [], entry.variant or ["default"]), path)
        self._drafts.update({cell: _Draft() for cell in cells})
        return cells

    def _lay_over(self, cell: Cell, draft: _Draft, path: Path, choices: Choices) -> None:
        for key, value in _stated(choices).items():
            before = draft.choices.get(key, value)
            if before != value:
                where = f"'{before}' on line {self._document.lines[draft.stated[key]]}"
                self._mistake((*path, key), f"{cell} gets {key} '{value}' here and {where}: two builds of one cell")
            draft.choices[key] = value
            draft.stated[key] = (*path, key)

    def _options(self, cell: Cell, draft: _Draft) -> Options:
        chosen = {**self._defaults, **draft.choices}
        stated = {**{key: (key,) for key in self._defaults}, **draft.stated}
        if chosen.get("optimize") == "none":
            channel, where = chosen.get("channel", "dev"), stated.get("channel", ())
            if channel != "dev" and len(where) >= len(stated["optimize"]):
                self._mistake(where, f"key 'channel': {cell} has 'optimize: none', which only the dev channel takes")
            elif channel != "dev":
                self._notes.append(f"cells with 'optimize: none' go to the dev channel, not to {channel}")
            chosen["channel"] = "dev"
        return Options(**chosen)


def _stated(choices: Choices) -> dict[str, Any]:
    """The options that were written down."""
    return {option.name: value for option in fields(Options) if (value := getattr(choices, option.name)) is not None}


def _singles(entry: matrix_file.Include) -> Iterator[matrix_file.Include]:
    """The entry once for each combination of the names in its lists, as if each had been written by itself."""
    lists = {axis: names for axis in AXES if (names := getattr(entry, axis)) is not None}
    for names in itertools.product(*lists.values()):
        yield entry.model_copy(update={axis: [name] for axis, name in zip(lists, names, strict=True)})
