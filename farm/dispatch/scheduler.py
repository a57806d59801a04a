"""`farm scheduler`: drives every open run that nobody else drives, until it is told to stop.

It keeps nothing that is not in the store: killed and started again, it goes on where it was. Two of them do no harm, because
an attempt, an outcome and a publication each exist only once in the store; they only do some work twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farm.dispatch.drive import Driver
from farm.dispatch.journal import Journal
from farm.dispatch.known import Relist
from farm.dispatch.loop import Means, Watcher
from farm.dispatch.meter import Meter
from farm.dispatch.quarantine import Hosts
from farm.dispatch.queue import TaskQueue
from farm.dispatch.settle import Publish, Settler
from farm.dispatch.tempo import Tempo
from farm.errors import FarmError
from farm.settings import Settings
from farm.store import locks
from farm.store.protocol import Staging, Store
from farm.wire.mailbox import SchedulerMail

if TYPE_CHECKING:
    from farm.dispatch.view import RunView

_TICK_S = 1.0
_BACKOFF_S = 5.0
_BACKOFF_CAP_S = 600.0


class _Stopped(Exception):  # noqa: N818 - named for what happened
    """The service is told to stop; the run stays open for the next one."""


@dataclass(frozen=True)
class Office:
    """What the scheduler drives runs with.

    `say` gets a line for what an operator should know, and its fields (run); `ended` each run that has ended. Without `publish`
    a `farm publisher` publishes.
    """

    settings: Settings
    store: Store
    staging: Staging
    publish: Publish | None
    relist: Relist
    tempo: Tempo
    watcher: Callable[[str], Watcher]
    say: Callable[..., None]
    meter: Meter = field(default_factory=Meter)
    ended: Callable[[Journal], None] = lambda _: None


@dataclass(frozen=True)
class _Metered:
    """A watcher, and the meter beside it."""

    watcher: Watcher
    meter: Meter

    def show(self, view: RunView) -> None:
        self.watcher.show(view)
        self.meter.seen(view)


@dataclass
class Scheduler:
    """The service. One thread looks for runs, and each run has a thread of its own."""

    office: Office
    stopping: threading.Event = field(default_factory=threading.Event)
    _driving: dict[str, threading.Thread] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)
    _not_before: dict[str, float] = field(default_factory=dict)
    _shown: float = float("-inf")
    _hosts: Hosts = field(default_factory=Hosts)

    def serve(self) -> None:
        """Return once `stopping` is set and no run is driven any more. What fails is said, and tried again."""
        mail = SchedulerMail.of(self.office.settings)
        trouble = ""
        while not self.stopping.is_set():
            try:
                self._turn(mail)
                trouble = ""
            except FarmError as error:
                if error.message != trouble:
                    self.office.say(f"{error.message}; trying again")
                trouble = error.message
            self.stopping.wait(_TICK_S)
        for thread in self._driving.values():
            thread.join()
        mail.close()

    def _turn(self, mail: SchedulerMail) -> None:
        if time.monotonic() - self._shown > mail.presence_s / 3:
            mail.show_scheduler()
            self._shown = time.monotonic()
        self._driving = {run: thread for run, thread in self._driving.items() if thread.is_alive()}
        for run in Journal.open_runs(self.office.store):
            late = self._not_before.get(run, 0.0) <= time.monotonic()
            if run not in self._driving and late and not mail.is_present(run):
                self._driving[run] = threading.Thread(target=self._drive, args=(run,), name=f"run-{run}")
                self._driving[run].start()

    def _drive(self, run: str) -> None:
        office = self.office
        journal = Journal(office.store, run)
        mail = SchedulerMail.of(office.settings)
        queue = TaskQueue(office.settings)
        settler = Settler(journal, office.publish) if office.publish else None
        watcher = _Metered(office.watcher(run), office.meter)
        means = Means(mail, queue, office.staging, settler, watcher, self._go_on, meter=office.meter, hosts=self._hosts)
        driver = Driver(journal, means, office.tempo, office.relist, locks.today())
        office.say(f"run {run}: driving it", run=run)
        try:
            mail.present(run)
            driver.drive(journal.asked())
            journal.sweep()
            office.say(f"run {run}: ended", run=run)
            office.ended(journal)
        except _Stopped:
            office.say(f"run {run}: left open", run=run)
        except Exception as error:  # a run that trips us must not end the others
            self._put_off(run, error)
        finally:
            office.meter.over(run)
            driver.leave()

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise _Stopped

    def _put_off(self, run: str, error: Exception) -> None:
        self._failures[run] = self._failures.get(run, 0) + 1
        wait = min(_BACKOFF_S * 2.0 ** (self._failures[run] - 1), _BACKOFF_CAP_S)
        self._not_before[run] = time.monotonic() + wait
        said = error.message if isinstance(error, FarmError) else f"a bug of ours: {type(error).__name__}: {error}"
        self.office.say(f"run {run}: {said}; trying again in {wait:.0f} s", run=run)
