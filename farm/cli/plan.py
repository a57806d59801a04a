"""`farm plan` and `farm init`: what would be done, before anything is."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click

from farm.cli.matrix_options import DEFAULT_MATRIX, matrix_options, read_plan
from farm.cli.opening import opened
from farm.errors import BadInput
from farm.plan.narrow import Overrides
from farm.settings import Settings
from farm.show import plan as show
from farm.show.changes import changes
from farm.store import catalog

if TYPE_CHECKING:
    from farm.plan.cell import Cell
    from farm.plan.fate import Plan
    from farm.plan.options import Channel
    from farm.plan.recipe import Optimize
    from farm.store.protocol import Store

_EXPLAINED = 20  # stale cells whose metadata is fetched to say what has changed


@click.command()
@matrix_options
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(matrix: Path, only: tuple[str, ...], optimize: Optimize | None, channel: Channel | None, as_json: bool) -> None:
    """Show every cell of MATRIX (matrix.yaml) with its fate and why; build nothing.

    Fates: build (never published), stale (something has changed since), published, impossible.
    """
    settings = Settings()
    store = opened(settings)
    planned = read_plan(matrix, only, Overrides(optimize, channel), settings, store)
    changed = changes_of(planned, store)
    if as_json:
        click.echo(json.dumps(show.data(planned, changed), indent=2))
    else:
        click.echo("\n".join(show.lines(planned, changed)))


def changes_of(planned: Plan, store: Store) -> dict[Cell, list[str]]:
    """What has changed for the first stale cells, from the metadata of their newest builds."""
    stale = [one for one in planned.cells if one.fate == "stale" and one.recipe and one.newest]
    found = {}
    for one in stale[:_EXPLAINED]:
        if one.recipe and (newest := catalog.newest(store, one.cell)):
            inputs = planned.inputs.get((one.cell.distro, one.cell.arch))
            found[one.cell] = changes(catalog.artifact(store, newest).build, one.recipe, inputs)
    return found


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=DEFAULT_MATRIX)
def init(path: Path) -> None:
    """Write a commented matrix.yaml to start from to PATH (matrix.yaml). Never overwrites."""
    text = resources.files("farm.data").joinpath("starter.yaml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise BadInput(f"{path} is already there", hint=f"edit it, or name another: farm init {path.stem}-2.yaml") from None
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}", hint="name a path in a folder that you may write"
        ) from None
    click.echo(f"wrote {path}; `farm plan {path}` shows what it asks for")
