"""How the farm stands at one moment, for somebody who looks on: runs, what is being built, workers. It writes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from farm.dispatch import listing
from farm.dispatch.embedded import running_broker
from farm.dispatch.journal import Journal
from farm.dispatch.listing import RunLine
from farm.dispatch.lookout import Lookout
from farm.dispatch.loop import wanted
from farm.dispatch.tempo import Tempo
from farm.dispatch.view import RunView
from farm.dispatch.watch import NO_BROKER
from farm.errors import BrokerUnavailable
from farm.plan.cell import Cell
from farm.wire.mailbox import SchedulerMail
from farm.wire.messages import WorkerCard

if TYPE_CHECKING:
    from farm.settings import Settings
    from farm.store.protocol import Store


@dataclass(frozen=True)
class Standing:
    """`views` are of the runs that go on. `scheduler`: whether one shows itself; `trouble` says why Redis tells nothing."""

    store: str
    at: float
    runs: tuple[RunLine, ...]
    views: tuple[RunView, ...]
    workers: tuple[WorkerCard, ...]
    scheduler: bool
    trouble: str = ""


def standing(settings: Settings, store: Store) -> Standing:
    """See how the farm stands. What the store says is seen even without Redis."""
    runs = tuple(listing.runs(store))
    mail = SchedulerMail.of(settings, running_broker(settings) or NO_BROKER)
    try:
        workers, scheduler, trouble = tuple(mail.workers()), mail.has_scheduler(), ""
    except BrokerUnavailable as error:
        workers, scheduler, trouble = (), False, error.message
    views = tuple(_view(settings, Journal(store, line.run), mail, alive=not trouble) for line in runs if line.going)
    mail.close()
    return Standing(store.name, time.time(), runs, views, workers, scheduler, trouble)


def _view(settings: Settings, journal: Journal, mail: SchedulerMail, *, alive: bool) -> RunView:
    plan = journal.plan()
    published = frozenset(Cell.parse(planned.cell) for planned in plan.cells if planned.published)
    tempo = replace(Tempo.of(settings), unserved_s=float("inf"))
    lookout = Lookout(journal, mail, wanted(plan), published, tempo, time.time)
    lookout.look_at_store()
    if alive:
        lookout.look()
    return lookout.view({})
