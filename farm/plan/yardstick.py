"""Which of a distro's own Pythons to compare with which of our cells, and the rows that say why they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from farm.errors import BadInput
from farm.plan.cell import Cell, Version
from farm.plan.distro_rows import YardstickRow
from farm.plan.rows import Why
from farm.plan.scope import Row, Scope
from farm.plan.tables import Files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from farm.plan.facts import Facts

Subject = Literal["configure", "flag", "module", "library", "package", "hardening", "linkage", "unicode"]


class DifferenceRow(Scope):
    """Why the distro's Python and ours differ in exactly this; every name of it must be such a difference where it holds.

    `theirs` and `ours` are values: of an argument 'yes' or what stands after '=', of a module where it is, of anything else
    'yes', or the parts that have it; '' is not there.
    """

    subject: Subject
    names: Annotated[tuple[str, ...], Field(min_length=1)]
    theirs: str = ""
    ours: str = ""
    why: Why
    link: str = ""


class FeatureRow(Row):
    """A feature that binaries show, and the flags of which any asks for it in ours; without, the compiler does it by itself.

    With one of the flags `but` in pass 2, the executable does not have it.
    """

    flags: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    why: Why


@dataclass(frozen=True)
class Chosen:
    """A Python of the distro, and the cell of ours to compare it with."""

    cell: Cell
    row: YardstickRow


def difference_rows(overlay: Path | None) -> Mapping[str, DifferenceRow]:
    """The rows of differences.toml with the operator's laid over them. Raises BadInput."""
    return Files(overlay).rows("differences.toml", DifferenceRow)


def features(overlay: Path | None) -> Mapping[str, FeatureRow]:
    """The rows of hardening.toml with the operator's laid over them. Raises BadInput."""
    return Files(overlay).rows("hardening.toml", FeatureRow)


def choose(facts: Facts, distro: str, text: str, arch: str) -> Chosen:
    """The distro's Python of a series ('3.13'), or of an exact version's series; its own default when `text` is empty.

    Ours is the exact version if one is given, else the version that the distro has, if we have its source, else the newest.
    Raises BadInput.
    """
    if distro not in facts.distros:
        known = ", ".join(name for name, one in facts.distros.items() if one.facts.yardsticks)
        raise BadInput(f"there are no facts for distro '{distro}'", hint=f"distros that can be audited: {known}")
    yardsticks = facts.distros[distro].facts.yardsticks
    if not yardsticks:
        raise BadInput(
            f"the facts do not say which packages the own Python of {distro} is made of",
            hint=f'give distros/{distro}.toml a table [yardsticks."X.Y"]; docs/adding.md shows one',
        )
    series = ".".join(text.split(".")[:2]) if text else next(iter(yardsticks))
    if series not in yardsticks:
        raise BadInput(f"{distro} itself has no Python {series}", hint=f"it has {', '.join(yardsticks)}")
    row = yardsticks[series]
    exact = text if text.count(".") > 1 else row.version
    version = Version.parse(exact) if exact in facts.sources or text.count(".") > 1 else facts.newest(series)
    if version is None:
        raise BadInput(f"we have no source of Python {series} to compare with", hint="`farm pins update` looks for one")
    cell = Cell(version, distro, arch, "default")
    facts.check(cell)
    return Chosen(cell, row)
