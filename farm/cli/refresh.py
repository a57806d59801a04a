"""`farm refresh`: which published cells are stale, and why; and building those again. Made for a timer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from farm.cli import matrix_options
from farm.cli.opening import opened
from farm.cli.plan import changes_of
from farm.cli.submit import carry_out
from farm.dispatch.submit import Options
from farm.plan.narrow import Overrides
from farm.settings import Settings
from farm.show import plan as show
from farm.wire.queue import PRIORITIES, Priority

if TYPE_CHECKING:
    from pathlib import Path

    from farm.plan.fate import Plan
    from farm.plan.options import Channel
    from farm.plan.recipe import Optimize


@click.command()
@matrix_options.matrix_options
@click.option("--submit", is_flag=True, help="Build them again; what the distros give today is found out first.")
@click.option(
    "--no-wait", is_flag=True, help="With --submit: print the run's id and return; a `farm scheduler` drives the run."
)
@click.option(
    "--priority", type=click.Choice([*PRIORITIES]), default="low", show_default=True, help="Before which runs it goes."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; progress goes to standard error.")
def refresh(  # noqa: PLR0913 - one argument per option
    *,
    matrix: Path,
    only: tuple[str, ...],
    optimize: Optimize | None,
    channel: Channel | None,
    submit: bool,
    no_wait: bool,
    priority: Priority,
    as_json: bool,
) -> None:
    """Say which published cells of MATRIX (matrix.yaml) are stale and why; nothing that was never published is built.

    Exit codes: 0 it was said, or all that was stale is published anew; else as `farm submit`.
    """
    settings = Settings()
    store = opened(settings)

    def read() -> Plan:
        """The plan of what was published before, stale or not: what looks current may be stale once the distro is resolved."""
        plan = matrix_options.read_plan(matrix, only, Overrides(optimize, channel), settings, store)
        return replace(plan, cells=tuple(one for one in plan.cells if one.newest and one.fate != "impossible"))

    if submit:
        options = Options(fail_fast=False, with_worker=not settings.broker_url, priority=priority)
        carry_out(read, settings, store, options, no_wait=no_wait, as_json=as_json)
        return
    known = read()
    stale = replace(known, cells=tuple(one for one in known.cells if one.fate == "stale"))
    changed = changes_of(stale, store)
    if as_json:
        click.echo(json.dumps(show.data(stale, changed), indent=2))
        return
    for one in stale.cells:
        click.echo(f"{one.cell}  stale: {one.reason}")
        for change in changed.get(one.cell, ()):
            click.echo(f"  {change}")
    click.echo(f"{len(stale.cells)} of {len(known.cells)} published cells are stale")
    for note in known.notes:
        click.echo(note)
