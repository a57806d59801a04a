"""`farm ls` and `farm info`: what is published."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from farm.cli.opening import opened
from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.show import built
from farm.show import published as show
from farm.store import catalog
from farm.store.open import base_url

if TYPE_CHECKING:
    from farm.store.protocol import Store

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.option("--distro", help="Only this distro, e.g. debian13.")
@click.option("--series", help="Only this Python series, e.g. 3.13.")
@click.option("--channel", help="Only this channel.")
@click.option("--markdown", is_flag=True, help="Print a page of the newest build of each cell: times, sizes, findings.")
@click.option(
    "--into",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --markdown: write the page; rows of other stores stay.",
)
@_JSON
def ls(distro: str | None, series: str | None, channel: str | None, markdown: bool, into: Path | None, as_json: bool) -> None:
    """List what is published, oldest build of a cell first."""
    if into and not markdown:
        raise BadInput("--into is where --markdown is written", hint="add --markdown")
    store = opened(Settings())
    everything, marks = catalog.published(store), catalog.yanked(store)
    builds = [
        build
        for build in everything
        if distro in (None, build.cell.distro)
        and series in (None, build.cell.python.series)
        and channel in (None, build.channel)
    ]
    if markdown:
        before = into.read_text(encoding="utf-8") if into and into.is_file() else ""
        text = built.page((catalog.artifact(store, build) for build in builds), before)
        _written(into, text)
    elif as_json:
        click.echo(json.dumps(show.listing_json(builds, marks), indent=2))
    elif builds:
        click.echo(show.listing(builds, marks))
    else:
        click.echo((show.NONE_MATCH if everything else show.EMPTY).format(store=store.name, count=len(everything)))


def _written(file: Path | None, text: str) -> None:
    """A page into a file, which stays as it was when there is no room; without one, on the terminal."""
    if file is None:
        click.echo(text, nl=False)
        return
    fresh = file.with_name(f".{file.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(file)
    except OSError as problem:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise BadInput(f"{file} cannot be written: {problem.strerror}", hint="make room, or name another file") from problem


@click.command()
@click.argument("cell")
@click.option("--channel", help="The newest of this channel.")
@_JSON
def info(cell: str, channel: str | None, as_json: bool) -> None:
    """Show the newest published build of a cell, and how to use it."""
    settings = Settings()
    store = opened(settings)
    build = catalog.newest(store, Cell.parse(cell), channel)
    if build is None:
        raise _not_published(store, cell, channel)
    artifact = catalog.artifact(store, build)
    click.echo(
        artifact.model_dump_json(indent=2) if as_json else show.info(artifact, base_url(settings), load_facts(settings.facts))
    )


def _not_published(store: Store, cell: str, channel: str | None) -> BadInput:
    where = f"{store.name}, channel {channel}" if channel else store.name
    return BadInput(f"{cell} is not published in {where}", hint="`farm ls` lists what is")
