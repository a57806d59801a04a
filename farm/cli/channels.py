"""`farm yank`, `farm promote` and `farm index`: what channels offer, and where they say it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from farm.audit.repair import Means
from farm.audit.repair import relist as rebuilt
from farm.cli.audit import listing
from farm.cli.opening import opened
from farm.errors import BadInput
from farm.index import update
from farm.plan.cell import Cell
from farm.publish import channels
from farm.settings import Settings
from farm.sign.keys import signing
from farm.store import catalog
from farm.store.open import base_url

if TYPE_CHECKING:
    from farm.store.keys import Published
    from farm.store.protocol import Store

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _now() -> datetime:
    return datetime.now(UTC)


@click.command()
@click.argument("cell")
@click.argument("build")
@click.option("--reason", default="", help="Why nobody should get it any more; readers of the index see it.")
@click.option("--undo", is_flag=True, help="Offer it again.")
def yank(cell: str, build: str, reason: str, undo: bool) -> None:
    """Stop offering BUILD of CELL, in every channel. Its files stay, for who pinned them."""
    if bool(reason) == undo:
        raise BadInput("give either --reason or --undo", hint='farm yank 3.13.5-debian13-amd64 2026112201 --reason "…"')
    settings = Settings()
    store = opened(settings)
    if undo:
        told = channels.give_back(store, Cell.parse(cell), build, _place(settings))
    else:
        told = channels.yank(store, Cell.parse(cell), build, reason, _place(settings))
    click.echo(f"{cell}, build {build}, is {'offered again' if undo else 'no longer offered'} in {', '.join(told)}")


@click.command()
@click.argument("cells", nargs=-1)
@click.option("--from", "source", required=True, help="Channel that lists the builds, e.g. testing.")
@click.option("--to", "target", required=True, help="Channel that is to list them, too, e.g. stable.")
@click.option("--run", default="", help="Every build of this run.")
@click.option("--all", "everything", is_flag=True, help="The newest build of every cell.")
@_JSON
def promote(cells: tuple[str, ...], source: str, target: str, run: str, everything: bool, as_json: bool) -> None:
    """List the newest builds of CELLS, of a run, or of all, in another channel, without building them again.

    All of them or, when one may not go there, none. A run's yanked builds are left out.
    """
    if sum(map(bool, (cells, run, everything))) != 1:
        raise BadInput("say which builds: cells, --run or --all", hint="`farm ls --channel testing` lists them")
    settings = Settings()
    store = opened(settings)
    builds, yanked = _of_run(store, source, run) if run else (_newest(store, source, {Cell.parse(cell) for cell in cells}), [])
    for build in yanked:
        click.echo(f"{build.cell}, build {build.build_id}, was yanked: left out", err=True)
    if not builds:
        raise BadInput(f"the channel '{source}' has nothing of that", hint=f"`farm ls --channel {source}` lists what it has")
    channels.promote(store, builds, target, _place(settings))
    if as_json:
        click.echo(json.dumps([{"cell": str(build.cell), "build_id": build.build_id, "channel": target} for build in builds]))
        return
    for build in builds:
        click.echo(f"{build.cell}, build {build.build_id}: now in {target}")


@click.command()
@click.option("--channel", "only", help="Only this channel.")
@click.option("--base-url", "address", default="", help="Where clients reach the store; else FARM_BASE_URL.")
@click.option("--relist", is_flag=True, help="List every published build anew, from its own metadata, before that.")
def index(only: str | None, address: str, relist: bool) -> None:
    """Write the files of all clients anew, e.g. of a store that was copied to another place."""
    settings = Settings()
    store = opened(settings)
    place = _place(settings, address)
    builds = [build for build in catalog.published(store) if only in (None, build.channel)]
    if not builds:
        raise BadInput(f"nothing is published in {store.name}" + (f", channel {only}" if only else ""), hint="`farm ls`")
    means = Means(listing(settings), place.base_url, place.clock, place.signer)
    for channel in sorted({build.channel for build in builds}):
        if relist:
            count = rebuilt(store, channel, means)
        else:
            count = update.rewrite(store, channel, base_url=place.base_url, signer=place.signer)
        click.echo(f"{channel}: {count} files say {place.base_url}")


def _place(settings: Settings, address: str = "") -> channels.Place:
    return channels.Place(address or base_url(settings), _now, signing(settings))


def _newest(store: Store, channel: str, wanted: set[Cell]) -> list[Published]:
    marks = catalog.yanked(store)
    found: dict[Cell, Published] = {}
    for build in catalog.published(store):  # oldest first
        if build.channel == channel and (str(build.cell), build.build_id) not in marks:
            found[build.cell] = build
    if missing := wanted - set(found):
        names = ", ".join(sorted(map(str, missing)))
        raise BadInput(
            f"the channel '{channel}' does not have {names}", hint=f"`farm ls --channel {channel}` lists what it has"
        )
    return [build for cell, build in found.items() if not wanted or cell in wanted]


def _of_run(store: Store, channel: str, run: str) -> tuple[list[Published], list[Published]]:
    """What a channel lists of a run: the builds that it offers, and those that were yanked."""
    marks = catalog.yanked(store)
    builds = [build for build in catalog.published(store) if build.channel == channel]
    made = [build for build in builds if catalog.artifact(store, build).run == run]
    yanked = [build for build in made if (str(build.cell), build.build_id) in marks]
    return [build for build in made if build not in yanked], yanked
