"""`farm show` and `farm explain`: the whole recipe of a cell, and why each part of it is there."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from farm.cli.matrix_options import DEFAULT_MATRIX, read_file
from farm.plan.buildcode import build_code
from farm.plan.cell import Cell
from farm.plan.compose import compose, decisions
from farm.plan.facts import load_facts
from farm.plan.narrow import Overrides, over
from farm.plan.options import OPTIMIZE, Options
from farm.settings import Settings
from farm.show import recipe as show_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from farm.plan.facts import Facts
    from farm.plan.recipe import Optimize

P = ParamSpec("P")
R = TypeVar("R")


def _cell_options(command: Callable[P, R]) -> Callable[P, R]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print it as JSON."),
        click.option("--optimize", type=click.Choice(OPTIMIZE), help="As if the cell were optimised like this."),
        click.option(
            "--matrix",
            type=click.Path(path_type=Path),
            help="Take the cell's options from this file (matrix.yaml).",
        ),
        click.argument("cell"),
    ):
        command = option(command)
    return command


@click.command()
@_cell_options
def show(cell: str, matrix: Path | None, optimize: Optimize | None, as_json: bool) -> None:
    """Print the whole recipe of CELL, e.g. 3.13.5-debian13-amd64."""
    facts = load_facts(Settings().facts)
    parsed = Cell.parse(cell)
    recipe = compose(parsed, _options(parsed, matrix, optimize, facts), facts, build_code())
    click.echo(json.dumps(show_recipe.data(recipe), indent=2) if as_json else "\n".join(show_recipe.lines(recipe)))


@click.command()
@_cell_options
def explain(cell: str, matrix: Path | None, optimize: Optimize | None, as_json: bool) -> None:
    """Say why each argument, flag and package of CELL is there."""
    facts = load_facts(Settings().facts)
    parsed = Cell.parse(cell)
    found = decisions(parsed, _options(parsed, matrix, optimize, facts), facts)
    if as_json:
        click.echo(json.dumps([asdict(decision) for decision in found], indent=2))
    else:
        click.echo("\n".join(show_recipe.reasons(found)).rstrip())


def _options(cell: Cell, matrix: Path | None, optimize: Optimize | None, facts: Facts) -> Options:
    """The cell's options in the matrix, or what every cell gets if the matrix does not have it."""
    path = matrix or (DEFAULT_MATRIX if DEFAULT_MATRIX.is_file() else None)
    asked = {asked.cell: asked.options for asked in read_file(path, facts).cells} if path else {}
    return over(asked.get(cell, Options()), Overrides(optimize))
