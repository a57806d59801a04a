"""A part of a matrix, with other options: what the command line says over matrix.yaml."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from farm.errors import BadInput
from farm.plan.matrix import Asked, Matrix
from farm.plan.options import Channel
from farm.plan.recipe import Optimize
from farm.plan.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.plan.options import Options


@dataclass(frozen=True)
class Overrides:
    """Options from the command line; None leaves what the matrix says."""

    optimize: Optimize | None = None
    channel: Channel | None = None

    def __post_init__(self) -> None:
        """Raises BadInput for a channel that unoptimised builds never reach."""
        if self.optimize == "none" and self.channel not in (None, "dev"):
            raise BadInput(
                f"--optimize none with --channel {self.channel}: only the dev channel takes builds without optimisation",
                hint="leave --channel out, or say --channel dev",
            )


def narrow(matrix: Matrix, only: Sequence[str], overrides: Overrides) -> Matrix:
    """The cells of the matrix that match any of `only` (cells or globs; all if it is empty), with the overrides.

    Raises BadInput naming every pattern that matches nothing, with the nearest cells.
    """
    kept = matrix.cells
    if only:
        names = {str(asked.cell): asked for asked in matrix.cells}
        wanted = {name for pattern in only for name in _matches(pattern, names)}
        kept = tuple(asked for name, asked in names.items() if name in wanted)
    return Matrix(tuple(_overridden(asked, overrides) for asked in kept), matrix.notes)


def _matches(pattern: str, names: dict[str, Asked]) -> list[str]:
    if found := [name for name in names if name == pattern or fnmatchcase(name, pattern)]:
        return found
    near = nearest(pattern.replace("*", ""), names, count=3) or list(names)[:3]
    raise BadInput(f"--only {pattern}: the matrix has no such cell", hint=f"nearest to it: {', '.join(near)}")


def _overridden(asked: Asked, overrides: Overrides) -> Asked:
    return Asked(asked.cell, over(asked.options, overrides))


@lru_cache(maxsize=1024)  # thousands of cells have the same few options
def over(options: Options, overrides: Overrides) -> Options:
    """The options with the overrides; unoptimised builds go to the dev channel, whatever the matrix says."""
    optimize = overrides.optimize or options.optimize
    channel = "dev" if optimize == "none" else overrides.channel or options.channel
    return replace(options, optimize=optimize, channel=channel)
