"""`farm export`: archives in the shape of clients that cannot take ours."""

from __future__ import annotations

from pathlib import Path

import click

from farm.cli.opening import opened
from farm.errors import BadInput
from farm.export.formats import dashed
from farm.export.table import FOLDERS, Asked, written
from farm.index import reading
from farm.pull.fetch import Kept
from farm.settings import Settings


@click.command()
@click.argument("format_", metavar="FORMAT", type=click.Choice(sorted(FOLDERS)))
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to.")
@click.option("--distro", required=True, help="Distro, e.g. ubuntu24.04.")
@click.option("--channel", default="stable", show_default=True, help="Channel to export.")
@click.option("--stack", default="", help="The platform's name for the distro, e.g. cflinuxfs4; else as in ubuntu-24.04.")
@click.option("--base-url", "address", default="", help="Where that folder will be served; needed where a list goes with it.")
def export(format_: str, folder: Path, distro: str, channel: str, stack: str, address: str) -> None:
    """Write the newest builds of a channel for FORMAT: archives without a top folder, and the list that goes with them.

    oci-layout is a folder of container images, with the archives as they are.
    """
    wanted = FOLDERS[format_]
    if wanted.addressed and not address:
        raise BadInput(f"{wanted.listing} names addresses", hint="say where the folder will be served: --base-url https://…")
    settings = Settings()
    store = opened(settings)
    kept = Kept(store, settings.cache / "pull", offline=False)
    entries = reading.current(store, channel, distro)
    for line in written(format_, Asked(folder, channel, distro, stack or dashed(distro), address, entries, kept.archive)):
        click.echo(line)
