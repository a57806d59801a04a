"""`farm broker`: what Redis needs before builders that nobody has to trust may talk to it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

from farm.errors import BadInput
from farm.wire import acl


@click.group()
def broker() -> None:
    """Look after the farm's Redis."""


@broker.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--builder", "builders", multiple=True, default=(acl.BUILDER,), show_default=True, help="A user of this name.")
@click.option("--host", default="localhost:6379", show_default=True, help="Where Redis is, for the addresses that are printed.")
@click.option("--tls/--no-tls", default=True, show_default=True, help="Whether it talks TLS: rediss:// or redis://.")
def users(file: Path, builders: tuple[str, ...], host: str, tls: bool) -> None:
    """Make users with fresh passwords in FILE, for Redis' setting `aclfile`, and print their FARM_BROKER_URL.

    Redis keeps only hashes: this is the one time that the passwords are shown.
    """
    if wrong := [name for name in builders if not name.isidentifier() or name in {acl.TRUSTED, "default"}]:
        raise BadInput(f"'{wrong[0]}' is no name for a builder's user", hint="letters, digits and '_'; not 'farm' or 'default'")
    made = [acl.trusted(acl.TRUSTED, secrets.token_urlsafe(24))]
    made += [acl.builder(name, secrets.token_urlsafe(24)) for name in dict.fromkeys(builders)]
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
            target.write(acl.acl_file(made))
    except FileExistsError:
        raise BadInput(f"{file} is there already", hint="name another file; its passwords may be in use") from None
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}", hint="name a file in a folder that exists") from None
    for user in made:
        click.echo(f"{user.name}: redis{'s' if tls else ''}://{user.name}:{user.password}@{host}/0")
