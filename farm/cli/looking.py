"""`farm workers`, `farm logs` and `farm why`: looking at what goes on. They change nothing."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from farm.cli.opening import opened
from farm.dispatch.embedded import running_broker
from farm.dispatch.journal import Journal
from farm.dispatch.listing import newest_with
from farm.dispatch.lookout import Lookout
from farm.dispatch.loop import wanted
from farm.dispatch.quarantine import Hosts
from farm.dispatch.standing import refusals
from farm.dispatch.tempo import Tempo
from farm.dispatch.watch import NO_BROKER
from farm.dispatch.why import why as reasons
from farm.errors import BadInput, BrokerUnavailable, FarmError
from farm.plan.cell import Cell
from farm.settings import Settings
from farm.show import runs as show
from farm.show.progress import new_lines
from farm.store import run_keys
from farm.store.open import open_store
from farm.wire.mailbox import SchedulerMail
from farm.wire.plain import plain

if TYPE_CHECKING:
    from farm.dispatch.decide import Attempt
    from farm.store.protocol import Store
    from farm.wire.messages import WorkerCard

_RUN = click.option("--run", help="In this run; the newest one that wants the cell, otherwise.")
_FOLLOW_S = 1.0
_GAP = "[… lines went by unseen; the whole log is kept when the attempt ends]"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def workers(*, as_json: bool) -> None:
    """List the workers that live: what each takes, with which engine, and what its host has."""
    settings = Settings()
    if not (broker := running_broker(settings)):
        raise BrokerUnavailable("no broker runs, so no worker does", hint="set FARM_BROKER_URL, or look while a submit runs")
    mail = SchedulerMail.of(settings, broker)
    cards = mail.workers()
    mail.close()
    refused = _refused(settings, cards)
    if as_json:
        click.echo(json.dumps(show.workers_data(cards, refused), indent=2))
    else:
        click.echo(show.workers(cards, refused) if cards else show.NO_WORKER)
        for line in (*(f"{card.name}: {card.trouble}" for card in cards if card.trouble), *dict.fromkeys(refused.values())):
            click.echo(line, err=True)


def _refused(settings: Settings, cards: list[WorkerCard]) -> dict[str, str]:
    """Of each worker whose host is granted nothing, why. The rest is worth showing without a store, too."""
    try:
        store = open_store(settings)
        return refusals(settings, store, cards, _elsewhere(store, "")[0], time.time())
    except FarmError as error:
        click.echo(f"whether a host is drained or quarantined is not seen: {error.message}", err=True)
        return {}


@click.command()
@click.argument("cell")
@_RUN
@click.option("--attempt", type=click.IntRange(1), help="This attempt's log; the newest one's, otherwise.")
@click.option("--follow", "-f", is_flag=True, help="Go on printing while it is built.")
def logs(cell: str, run: str | None, attempt: int | None, *, follow: bool) -> None:
    """Print the log of an attempt at CELL. Of one that still runs, the last lines that its builder told."""
    settings = Settings()
    store = opened(settings)
    wish = Cell.parse(cell)
    journal = Journal(store, run) if run else newest_with(store, wish)
    number = attempt or journal.newest_attempt(wish)
    if not number:
        raise BadInput(f"no attempt at {wish} was made in run {journal.run}", hint=f"farm why {wish}")
    if _print_kept(store, run_keys.log(journal.run, wish, number)):
        return
    mail = SchedulerMail.of(settings, running_broker(settings) or NO_BROKER)
    shown: tuple[str, ...] = ()
    while not _print_kept(store, run_keys.log(journal.run, wish, number), after=shown):
        beat = mail.beats(journal.run, [(str(wish), number)]).get((str(wish), number))
        if beat is None and not follow:
            raise BadInput(f"attempt {number} at {wish} has no log yet", hint="try again with --follow, or farm why CELL")
        if beat:
            for line in _new(shown, beat.tail):
                click.echo(line)
            shown = beat.tail
        if not follow:
            return
        time.sleep(_FOLLOW_S)


def _print_kept(store: Store, key: str, *, after: tuple[str, ...] = ()) -> bool:
    """Print a log that is kept, or what of it comes after some lines; False when it is not kept yet."""
    found = store.get(key)
    if found is None:
        return False
    for line in _new(after, tuple(map(plain, found[0].decode(errors="replace").splitlines()))):
        click.echo(line)
    return True


def _new(shown: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    new = new_lines(shown, now)
    return (_GAP, *now) if new is None else new


def _elsewhere(store: Store, run: str) -> tuple[Hosts, list[Attempt]]:
    """What is known of hosts from the other open runs, and the attempts in them that have not ended."""
    hosts, going = Hosts(), []
    for other in Journal.open_runs(store):
        if other != run:
            records = Journal(store, other).records()
            hosts.saw(other, records, time.time())
            going += [attempt for record in records.values() for attempt in record.open]
    return hosts, going


@click.command()
@click.argument("cell")
@_RUN
def why(cell: str, run: str | None) -> None:
    """Say where CELL stands, and why it is not running."""
    settings = Settings()
    store = opened(settings)
    wish = Cell.parse(cell)
    journal = Journal(store, run) if run else newest_with(store, wish)
    plan = journal.plan()
    published = frozenset(Cell.parse(planned.cell) for planned in plan.cells if planned.published)
    mail = SchedulerMail.of(settings, running_broker(settings) or NO_BROKER)
    tempo = replace(Tempo.of(settings), unserved_s=float("inf"))
    hosts, others = _elsewhere(store, journal.run)
    lookout = Lookout(journal, mail, wanted(plan), published, tempo, time.time, hosts)
    click.echo(f"{wish} in run {journal.run}:")
    try:
        driven = mail.is_present(journal.run)
        lookout.look()
        cards = mail.workers()
    except BrokerUnavailable:
        lookout.look_at_store()
        driven, cards = False, []
    for line in reasons(wish, lookout.wanted, lookout.sight, cards, time.time(), tempo, others=others):
        click.echo(f"  {line}")
    if (outcome := journal.outcome(wish)) and outcome.failure:
        click.echo(f"  its last failure: {outcome.failure.message}")
    if not driven and journal.run in Journal.open_runs(store):
        click.echo(f"  nobody drives the run: start `farm scheduler`, or `farm resume {journal.run}`")
