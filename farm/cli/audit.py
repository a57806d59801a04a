"""`farm verify-store` and `farm gc`: a whole store, held against itself, and what in it nobody needs."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from farm.audit import repair as mending
from farm.audit.collect import find
from farm.audit.remove import remove
from farm.audit.retention import Policy
from farm.audit.survey import Against
from farm.audit.verify import own_keys, verify
from farm.cli.opening import opened
from farm.errors import EXIT_CELLS_FAILED, BadInput
from farm.index.model import entry_of
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.show import audit as show
from farm.sign.keys import signing, trusted
from farm.store.open import base_url

if TYPE_CHECKING:
    from farm.audit.survey import EntryOf, Survey
    from farm.index.model import Entry
    from farm.store.artifact import Artifact
    from farm.store.protocol import Store


@click.command("verify-store")
@click.option("--quick", is_flag=True, help="Compare sizes, and read no archive.")
@click.option("--repair", is_flag=True, help="Rebuild what can be derived: catalog, indexes, clients' files, signatures.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="File with the public keys to trust.")
@click.option("--base-url", "address", default="", help="Where clients reach the store; else FARM_BASE_URL.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_store(quick: bool, repair: bool, key: Path | None, address: str, as_json: bool) -> None:
    """Look at the whole store: every hash, signature and index entry, and what nothing names.

    Signatures are held against --key or FARM_TRUSTED_KEYS; without either, against the keys in the store itself, which finds
    damage and not a forger. Exit codes: 0 no error was found (or none is left), 3 some were.
    """
    if quick and repair:
        raise BadInput("--repair has to read the archives", hint="leave out --quick")
    settings = Settings()
    store = opened(settings)
    address = (address or base_url(settings)).rstrip("/")
    keyring = key or settings.trusted_keys
    against = Against(trusted(keyring) if keyring else own_keys(store), address, listing(settings), deep=not quick)
    survey = verify(store, against, time.time())
    if repair and survey.errors:
        mending.repair(survey, _means(settings, against))
        if not keyring:  # the repair may have signed with a key that was not in the store before
            against = replace(against, trusted=own_keys(store))
        survey = _again(store, against, survey)
    if as_json:
        click.echo(json.dumps(show.data(survey), indent=2))
    else:
        for line in show.lines(survey):
            click.echo(line)
    if survey.errors:
        sys.exit(EXIT_CELLS_FAILED)


@click.command()
@click.option("--apply", "really", is_flag=True, help="Do it; without this, only say what would be done.")
@click.option("--keep-days", type=click.IntRange(0), help="Days to keep builds that newer ones replaced; else FARM_KEEP_DAYS.")
@click.option("--keep-builds", type=click.IntRange(1), help="Builds of a cell to keep in each channel; else FARM_KEEP_BUILDS.")
@click.option(
    "--grace-hours",
    default=24,
    show_default=True,
    type=click.IntRange(1),
    help="Hours between condemning a file and removing it: longer than anybody publishes or downloads.",
)
@click.option("--base-url", "address", default="", help="Where clients reach the store; else FARM_BASE_URL.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def gc(*, really: bool, keep_days: int | None, keep_builds: int | None, grace_hours: int, address: str, as_json: bool) -> None:
    """Remove what nothing names any more, and builds older than the retention keeps. Safe while others publish.

    The newest build of a cell in a channel always stays. A build that goes is first no longer listed; its files are removed by
    a later run, after the grace time. Run it daily.
    """
    settings = Settings()
    store = opened(settings)
    policy = Policy(
        settings.keep_days if keep_days is None else keep_days,
        keep_builds or settings.keep_builds,
        settings.keep_staged_days,
        grace_hours * 3600.0,
    )
    means = mending.Means(
        listing(settings),
        (address or base_url(settings)).rstrip("/"),
        lambda: datetime.fromtimestamp(time.time(), UTC),
        signing(settings),
    )
    garbage = find(store, policy, means.entry_of, time.time())
    if really:
        remove(store, garbage, means)
    if as_json:
        click.echo(json.dumps(show.garbage_data(garbage, done=really), indent=2))
    else:
        for line in show.garbage_lines(garbage, done=really):
            click.echo(line)


def listing(settings: Settings) -> EntryOf:
    """How channels list an artifact, by the facts of these settings."""
    facts = load_facts(settings.facts)

    def entry(artifact: Artifact) -> Entry:
        cell = Cell.parse(artifact.build.cell)
        return entry_of(artifact, facts.triple(cell), uv=facts.series[cell.python.series].uv)

    return entry


def _means(settings: Settings, against: Against) -> mending.Means:
    return mending.Means(
        against.entry_of, against.base_url, lambda: datetime.fromtimestamp(time.time(), UTC), signing(settings)
    )


def _again(store: Store, against: Against, before: Survey) -> Survey:
    click.echo(f"{before.errors} error(s) before the repair", err=True)
    return verify(store, against, time.time())
