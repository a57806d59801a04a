"""`farm drain`: build hosts that are to be given no more cells, and those that are."""

from __future__ import annotations

import click
from pydantic import TypeAdapter, ValidationError

from farm.cli.opening import opened
from farm.dispatch import drain as draining
from farm.dispatch.embedded import running_broker
from farm.dispatch.quarantine import host_of
from farm.dispatch.watch import NO_BROKER
from farm.errors import BadInput, BrokerUnavailable
from farm.settings import Settings
from farm.wire.mailbox import SchedulerMail
from farm.wire.messages import WorkerName


@click.command()
@click.argument("host", required=False)
@click.option("--undo", is_flag=True, help="Give it cells again.")
def drain(host: str | None, *, undo: bool) -> None:
    """Give the workers of HOST no more cells; what they build is finished. Without HOST, list such hosts."""
    settings = Settings()
    store = opened(settings)
    if host is None:
        if undo:
            raise BadInput("which host is to get cells again?", hint="farm drain --undo HOST")
        hosts = sorted(draining.drained(store))
        for one in hosts:
            click.echo(draining.said(one))
        if not hosts:
            click.echo("no host is drained", err=True)
        return
    _check(host)
    if undo:
        draining.undrain(store, host)
        click.echo(f"{host} is granted cells again")
        return
    draining.drain(store, host)
    click.echo(f"{host} is granted nothing from now on; `farm status` shows what it still builds")
    if host not in (living := _hosts(settings)):
        click.echo(f"no worker of that host shows itself; those that do are of: {' '.join(sorted(living)) or 'none'}", err=True)


def _check(host: str) -> None:
    try:
        TypeAdapter(WorkerName).validate_python(host)
    except ValidationError:
        raise BadInput(f"'{host}' is no host's name", hint="`farm workers` shows them: the name before the numbers") from None


def _hosts(settings: Settings) -> set[str]:
    """The hosts of the workers that live."""
    mail = SchedulerMail.of(settings, running_broker(settings) or NO_BROKER)
    try:
        return {host_of(card.name) for card in mail.workers()}
    except BrokerUnavailable:
        return set()
    finally:
        mail.close()
