"""What of a plan is near or past the end of its support, what nobody has built on yet, and what not every host can build.

Pure: the day is an argument.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from farm.plan.cell import Cell
    from farm.plan.facts import Facts
    from farm.plan.recipe import Recipe

NEAR = timedelta(days=183)  # half a year: time to plan the move


def notes(cells: Iterable[Cell], facts: Facts, today: date) -> Iterator[str]:
    """A sentence for each series and distro of the cells that is near or past its end of life, untested, or only pulled."""
    cells = tuple(cells)
    for series in dict.fromkeys(cell.python.series for cell in cells):
        count = sum(cell.python.series == series for cell in cells)
        yield from _ending(f"Python {series}", facts.series[series].eol, count, today)
    for name in dict.fromkeys(cell.distro for cell in cells):
        count, row = sum(cell.distro == name for cell in cells), facts.distros[name].facts
        yield from _ending(name, row.eol, count, today)
        if row.untested:
            yield f"{name} is untested ({_cells(count)}): {row.untested}"
        if not row.suites:
            yield (
                f"{name} needs a registry ({_cells(count)}): its base image can only be pulled, "
                "for there are no suites to bootstrap it from"
            )


def natives(recipes: Iterable[Recipe], facts: Facts) -> Iterator[str]:
    """A sentence for each arch that is cross-compiled for, with how many of the recipes are for a machine of that arch only."""
    crossed = {arch for distro in facts.distros.values() for arch in distro.facts.cross}
    stay = [recipe.cell for recipe in recipes if recipe.cross is None and recipe.cell.arch in crossed]
    for arch in dict.fromkeys(cell.arch for cell in stay):
        there = [cell for cell in stay if cell.arch == arch]
        yield f"needs a worker on {arch} ({_cells(len(there))}, e.g. {there[0]}): not cross-compiled"


def _ending(what: str, eol: date, count: int, today: date) -> Iterator[str]:
    if today > eol:
        yield f"{what} is past its end of life since {eol} ({_cells(count)}): nobody publishes security fixes for it"
    elif today > eol - NEAR:
        yield f"{what} is near its end of life, {eol} ({_cells(count)})"


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
