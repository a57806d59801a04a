"""`farm keys`: the key that signs what is published."""

from __future__ import annotations

from pathlib import Path

import click

from farm.errors import BadInput
from farm.settings import Settings
from farm.sign.keys import Signer

_PATH = click.Path(path_type=Path, dir_okay=False)


@click.group()
def keys() -> None:
    """Make and show the key that signs what is published (FARM_SIGNING_KEY)."""


@keys.command()
@click.argument("file", type=_PATH)
def new(file: Path) -> None:
    """Make a private key in FILE, and print its public half."""
    signer = Signer.new()
    signer.save(file)
    click.echo(f"{file} is the private key {signer.verifier.id}: keep it where no builder runs", err=True)
    click.echo(signer.verifier.pem.decode(), nl=False)


@keys.command()
@click.argument("file", type=_PATH, required=False)
def show(file: Path | None) -> None:
    """Print the public half of the key in FILE, or of FARM_SIGNING_KEY."""
    path = file or Settings().signing_key
    if path is None:
        raise BadInput("no key was named", hint="farm keys show FILE, or set FARM_SIGNING_KEY")
    verifier = Signer.load(path).verifier
    click.echo(f"key {verifier.id}", err=True)
    click.echo(verifier.pem.decode(), nl=False)
