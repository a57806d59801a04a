"""`farm export`: archives in the shape of clients that cannot take ours."""

from __future__ import annotations

from pathlib import Path

import click

from farm.cli.opening import opened
from farm.errors import BadInput
from farm.export.flat import flatten
from farm.export.formats import FORMATS, Flattened, dashed
from farm.index import render, update
from farm.pull.fetch import Kept
from farm.settings import Settings


@click.command()
@click.argument("format_", metavar="FORMAT", type=click.Choice(sorted(FORMATS)))
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to.")
@click.option("--distro", required=True, help="Distro, e.g. ubuntu24.04.")
@click.option("--channel", default="stable", show_default=True, help="Channel to export.")
@click.option("--stack", default="", help="The platform's name for the distro, e.g. cflinuxfs4; else as in ubuntu-24.04.")
@click.option("--base-url", "address", default="", help="Where that folder will be served; needed where a list goes with it.")
def export(format_: str, folder: Path, distro: str, channel: str, stack: str, address: str) -> None:
    """Write the newest builds of a channel for FORMAT: archives without a top folder, and the list that goes with them."""
    wanted = FORMATS[format_]
    if wanted.listing and not address:
        raise BadInput(f"{wanted.listing} names addresses", hint="say where the folder will be served: --base-url https://…")
    settings = Settings()
    store = opened(settings)
    stack = stack or dashed(distro)
    kept = Kept(store, settings.cache / "pull", offline=False)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for _, cell, listed in render.offers(update.current(store, channel, distro), ("tar.gz",)):
        if cell.variant in wanted.variants:
            name = wanted.name(cell, stack, listed.sha256)
            sha256 = flatten(kept.archive(listed), folder / name, wanted.form, wanted.programs(cell))
            made.append(Flattened(cell, listed, name, sha256))
            click.echo(f"{sha256}  {name}")
    if not made:
        raise BadInput(f"the channel '{channel}' has nothing for {distro}", hint="`farm ls` lists what is published")
    if wanted.listing:
        (folder / wanted.listing).write_bytes(wanted.render(made, address.rstrip("/"), stack))
        click.echo(str(folder / wanted.listing))
