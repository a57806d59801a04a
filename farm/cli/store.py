"""`farm store check`: what the store really does, and what that means for the farm."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from farm.errors import EXIT_ENVIRONMENT
from farm.settings import Settings
from farm.show import probes as show
from farm.store.open import open_for_probing
from farm.store.probe import probe


@click.group()
def store() -> None:
    """Look after the store (FARM_STORE)."""


@store.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(*, as_json: bool) -> None:
    """Try all that the farm relies on: conditions, parts, listings, presigned uploads, checksums, the clock.

    Exit codes: 0 the store may be used as the settings say; 4 it may not.
    """
    settings = Settings()
    opened, part = open_for_probing(settings)
    seen = probe(opened, part=part, ca_bundle=settings.ca_bundle)
    usable = seen.verdict == "many" or (seen.verdict == "one" and settings.single_publisher)
    if as_json:
        data = {"store": opened.name, "verdict": seen.verdict, "usable": usable, "seen": [asdict(one) for one in seen.seen]}
        click.echo(json.dumps(data, indent=2))
    else:
        click.echo("\n".join(show.lines(opened.name, seen, single=settings.single_publisher)))
    sys.exit(0 if usable else EXIT_ENVIRONMENT)
