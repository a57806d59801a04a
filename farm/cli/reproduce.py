"""`farm reproduce`: build a published artifact again on this host, and compare it with what was published."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from farm.cli.fetching import fetched
from farm.cli.opening import opened
from farm.errors import EXIT_CELLS_FAILED, BadInput, Transient
from farm.plan.buildcode import build_code
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.show import reproduced as show
from farm.store import catalog
from farm.wire import child
from farm.wire.reproduction import Reproduction, options_of

if TYPE_CHECKING:
    from farm.store.keys import Published
    from farm.store.protocol import Store


@click.command()
@click.argument("cell")
@click.option("--build", "build_id", help="Which build; the newest one is taken.")
@click.option("--channel", help="Of a cell's builds, take the newest of this channel.")
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep both archives and what differs in this folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def reproduce(cell: str, *, build_id: str | None, channel: str | None, keep: Path | None, as_json: bool) -> None:
    """Build a published CELL again on this host and compare: recipe and package versions first, then every file.

    Exit codes: 0 the same bytes, or every difference is explained; 3 a difference is not; 4 the engine or the store failed.
    """
    settings, wanted = Settings(), Cell.parse(cell)
    store = opened(settings)
    build = _chosen(store, wanted, build_id, channel)
    artifact = catalog.artifact(store, build)
    recipe = compose(wanted, options_of(artifact), load_facts(settings.facts), build_code())
    folder = _folder(keep)
    try:
        (folder / "artifact.json").write_text(artifact.model_dump_json(), encoding="utf-8")
        for archive in artifact.archives:
            fetched(store, build, archive, folder / archive.name)
        done = child.ask("reproduce", [str(folder)], Reproduction.model_validate_json, quiet=as_json)
        done = done if keep else done.model_copy(update={"kept": ""})
        found = show.report(artifact, recipe, done)
    except OSError as problem:
        hint = "make room there, or name a folder elsewhere with --keep"
        raise Transient(f"{folder} cannot be written: {problem.strerror}", hint=hint) from problem
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        told = {"causes": found.causes, "unexplained": len(found.unexplained), **done.model_dump(mode="json")}
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo("\n".join(show.lines(artifact, done, found)))
    if found.unexplained:
        sys.exit(EXIT_CELLS_FAILED)


def _chosen(store: Store, cell: Cell, build_id: str | None, channel: str | None) -> Published:
    if build_id is None:
        build = catalog.newest(store, cell, channel)
    else:
        build = next((one for one in catalog.published(store, cell) if one.build_id == build_id), None)
    if build is None:
        what = f"build {build_id} of {cell}" if build_id else str(cell)
        raise BadInput(f"{what} is not published in {store.name}", hint="`farm ls` shows what is")
    return build


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="farm-reproduce-"))
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BadInput(f"{keep} cannot be made: {problem.strerror}", hint="name another folder") from problem
    if any(keep.iterdir()):
        raise BadInput(f"{keep} is not empty", hint="name a new folder")
    return keep.absolute()
