"""`farm keys`: the key that signs what is published."""

from __future__ import annotations

from pathlib import Path

import click

from farm.cli.opening import opened
from farm.errors import BadInput
from farm.settings import Settings
from farm.sign.keys import Signer, signing
from farm.sign.rotation import endorsement
from farm.store import keys as names

_PATH = click.Path(path_type=Path, dir_okay=False)


@click.group()
def keys() -> None:
    """Make, show and replace the key that signs what is published (FARM_SIGNING_KEY)."""


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


@keys.command()
@click.argument("file", type=_PATH)
def rotate(file: Path) -> None:
    """Make a new private key in FILE that takes the place of FARM_SIGNING_KEY, and print both public halves.

    The old key signs for the new one, in the store: `farm pull` follows that. What was printed is for everybody else:
    a file of trusted keys. After this, set FARM_SIGNING_KEY to FILE wherever is published, and run `farm index` once.
    """
    settings = Settings()
    old = signing(settings)
    if old is None:
        raise BadInput("there is no key to replace", hint="set FARM_SIGNING_KEY to the old one, or `farm keys new`")
    store = opened(settings)
    fresh = Signer.new()
    fresh.save(file)
    store.put(names.public_key(fresh.verifier.id), fresh.verifier.pem)
    store.put(names.endorsement(fresh.verifier.id), endorsement(fresh.verifier, old))
    click.echo(f"{file} is the private key {fresh.verifier.id}, and {old.verifier.id} signs for it in {store.name}", err=True)
    click.echo(f"next: FARM_SIGNING_KEY={file} wherever is published, and `farm index`; keep the old one until then", err=True)
    click.echo((old.verifier.pem + fresh.verifier.pem).decode(), nl=False)
