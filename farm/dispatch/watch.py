"""`farm watch`: looking at a run that somebody else drives. It writes nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from farm.dispatch.embedded import running_broker
from farm.dispatch.eta import past_durations, with_eta
from farm.dispatch.lookout import Lookout
from farm.dispatch.loop import UNSETTLED, wanted
from farm.dispatch.report import report
from farm.dispatch.tempo import Tempo
from farm.errors import BrokerUnavailable
from farm.plan.cell import Cell
from farm.wire.mailbox import SchedulerMail

if TYPE_CHECKING:
    from farm.dispatch.journal import Journal
    from farm.dispatch.loop import Watcher
    from farm.dispatch.report import RunReport
    from farm.settings import Settings

_TICK_S = 0.5
NO_BROKER = "redis+socket:///nonexistent"


def watch(journal: Journal, settings: Settings, watcher: Watcher) -> tuple[RunReport, bool]:
    """Show a run until it has ended or nobody drives it; its report, and whether it has ended.

    Who drives it, and a Redis that others share, have `presence_s` to show themselves: both may just be restarted. A private
    broker ends with its farm.
    """
    began = time.monotonic()
    plan = journal.plan()
    published = frozenset(Cell.parse(planned.cell) for planned in plan.cells if planned.published)
    mail = SchedulerMail.of(settings, running_broker(settings) or NO_BROKER)
    # Only who drives the run may give a cell up because nobody serves it.
    tempo = replace(Tempo.of(settings), unserved_s=float("inf"))
    lookout = Lookout(journal, mail, wanted(plan), published, tempo, time.time)
    durations = past_durations(journal.store, plan)
    seen = began
    while True:
        is_driven = _look(lookout, mail, plan.run)
        if is_driven:
            seen = time.monotonic()
        over = is_driven is None and not settings.broker_url
        overdue = lookout.unsettled(tempo.unsettled_s) if settings.publisher == "service" else []
        view = with_eta(lookout.view(dict.fromkeys(overdue, UNSETTLED)), durations)
        watcher.show(view)
        ended = view.settled == len(view.cells)
        if ended or over or time.monotonic() - seen > settings.presence_s:
            mail.close()
            return report(journal, plan, time.monotonic() - began), ended
        time.sleep(_TICK_S)


def driven(settings: Settings, run: str) -> bool:
    """Whether somebody drives a run now."""
    mail = SchedulerMail.of(settings, running_broker(settings) or NO_BROKER)
    try:
        return mail.is_present(run)
    except BrokerUnavailable:
        return False
    finally:
        mail.close()


def _look(lookout: Lookout, mail: SchedulerMail, run: str) -> bool | None:
    """Whether somebody drives the run; None: no broker answers. What the store says is seen even then."""
    try:
        goes_on = mail.is_present(run)
        lookout.look()
    except BrokerUnavailable:
        lookout.look_at_store()
        return None
    return goes_on
