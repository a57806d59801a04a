"""Driving a run from what was asked for to its end. `farm submit` does it while it waits, the scheduler for all others."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.dispatch import resolve
from farm.dispatch.journal import Journal
from farm.dispatch.known import Relist, listed, missing_locks, resolved
from farm.dispatch.loop import Loop, Means
from farm.dispatch.queue import TaskQueue
from farm.dispatch.settle import Publish, Settler
from farm.dispatch.tempo import Tempo
from farm.errors import BrokerUnavailable
from farm.wire.mailbox import SchedulerMail

if TYPE_CHECKING:
    from collections.abc import Callable

    from farm.dispatch.loop import Watcher
    from farm.dispatch.records import RunPlan
    from farm.settings import Settings
    from farm.store.protocol import Staging

_TICK_S = 1.0


@dataclass(frozen=True)
class Driver:
    """Drives one run. `date` is the day whose state of the distros is built with."""

    journal: Journal
    means: Means
    tempo: Tempo
    relist: Relist
    date: str

    def drive(self, asked: RunPlan, replan: Callable[[], RunPlan] | None = None) -> RunPlan:
        """Go on with the run's plan, or make it: resolve what was asked for; then loop until every cell is settled.

        `replan` says again what is asked for once the distros were resolved, before anything is built.
        """
        plan = self.journal.kept_plan()
        if plan is None:
            missing = missing_locks(self.journal, asked, self.date)
            resolution = self._resolver(asked.label).resolve(missing)
            if missing and replan:
                asked = replan()
            plan = listed(resolved(self.journal, asked, resolution), self.relist)
            self.journal.save_plan(plan)
        Loop(self.journal, plan, self.means, self.tempo).run()
        if self.means.settler is None:
            self._await_relisting(plan)
        self.journal.close()
        return plan

    def _await_relisting(self, plan: RunPlan) -> None:
        """Until the publisher elsewhere has had the channels list what was published before."""
        while any(planned.published for planned in plan.cells) and not self.journal.is_relisted():
            self.means.tend()
            self.means.mail.present(self.journal.run)
            time.sleep(_TICK_S)

    def _resolver(self, label: str) -> resolve.Resolver:
        return resolve.Resolver(self.journal.run, self.journal.store, self.means, self.tempo, date=self.date, label=label)

    def leave(self) -> None:
        """Nobody drives the run from here on, and nothing stays open."""
        with suppress(BrokerUnavailable):  # then it forgets us by itself
            self.means.mail.leave(self.journal.run)
        self.means.mail.close()
        self.means.queue.close()


def means_of(
    settings: Settings, journal: Journal, staging: Staging, publish: Publish | None, watcher: Watcher, tend: Callable[[], None]
) -> Means:
    """What one run is driven with, over a Redis that answers. Raises BrokerUnavailable."""
    mail = SchedulerMail.of(settings)
    mail.ping()
    return Means(mail, TaskQueue(settings), staging, Settler(journal, publish) if publish else None, watcher, tend)
