"""How the farm stands at one moment, for somebody who looks on: runs, what is being built, workers. It writes nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from farm.dispatch import listing
from farm.dispatch.decide import Sight
from farm.dispatch.drain import drained
from farm.dispatch.embedded import running_broker
from farm.dispatch.journal import Journal
from farm.dispatch.listing import RunLine
from farm.dispatch.lookout import Lookout
from farm.dispatch.loop import wanted
from farm.dispatch.quarantine import Hosts, refusal
from farm.dispatch.tempo import Tempo
from farm.dispatch.view import RunView
from farm.dispatch.watch import NO_BROKER
from farm.errors import BrokerUnavailable
from farm.plan.cell import Cell
from farm.wire.mailbox import SchedulerMail
from farm.wire.messages import WorkerCard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.settings import Settings
    from farm.store.protocol import Store

_NO_REDIS = "no farm runs here, and FARM_BROKER_URL names none"


@dataclass(frozen=True)
class Standing:
    """`views` are of the runs that go on. `scheduler`: whether one shows itself; `trouble` says why Redis tells nothing.

    `refused` says of a worker why its host is granted nothing: drained, or quarantined.
    """

    store: str
    at: float
    runs: tuple[RunLine, ...]
    views: tuple[RunView, ...]
    workers: tuple[WorkerCard, ...]
    scheduler: bool
    trouble: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)


def standing(settings: Settings, store: Store) -> Standing:
    """See how the farm stands. What the store says is seen even without Redis."""
    runs = tuple(listing.runs(store))
    broker = running_broker(settings)
    mail = SchedulerMail.of(settings, broker or NO_BROKER)
    try:
        workers, scheduler, trouble = tuple(mail.workers()), mail.has_scheduler(), ""
    except BrokerUnavailable as error:
        workers, scheduler, trouble = (), False, error.message if broker else _NO_REDIS
    lookouts = [_looked(settings, Journal(store, line.run), mail, alive=not trouble) for line in runs if line.going]
    mail.close()
    now, hosts = time.time(), Hosts()
    for lookout in lookouts:
        hosts.saw(lookout.journal.run, lookout.sight.records, now)
    refused = refusals(settings, store, workers, hosts, now)
    return Standing(store.name, now, runs, tuple(one.view({}) for one in lookouts), workers, scheduler, trouble, refused)


def refusals(settings: Settings, store: Store, cards: Iterable[WorkerCard], hosts: Hosts, now: float) -> dict[str, str]:
    """Of each worker whose host is granted nothing, why: by what was seen of hosts in the runs that go on."""
    sight, tempo = Sight(drained=drained(store), elsewhere=hosts.elsewhere("")), Tempo.of(settings)
    told = {card.name: refusal(card.name, sight, now, tempo) for card in cards}
    return {name: why for name, why in told.items() if why}


def _looked(settings: Settings, journal: Journal, mail: SchedulerMail, *, alive: bool) -> Lookout:
    plan = journal.plan()
    published = frozenset(Cell.parse(planned.cell) for planned in plan.cells if planned.published)
    tempo = replace(Tempo.of(settings), unserved_s=float("inf"))
    lookout = Lookout(journal, mail, wanted(plan), published, tempo, time.time)
    lookout.look_at_store()
    if alive:
        lookout.look()
    return lookout
