"""`farm submit` from a list of wishes to a report; and how it ends when it is interrupted."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Self

from farm.dispatch import leftover
from farm.dispatch.journal import Journal, new_run
from farm.dispatch.known import Relist, Resolution, listed, missing_locks, resolved
from farm.dispatch.records import PlannedCell, RunPlan
from farm.dispatch.report import RunReport, report
from farm.dispatch.tempo import Tempo
from farm.errors import BadInput, BrokerUnavailable, EngineUnavailable, Failure, FarmError
from farm.plan.cell import Cell
from farm.plan.fate import Builds
from farm.plan.recipe import Recipe
from farm.store import locks
from farm.wire.queue import NORMAL, Priority

if TYPE_CHECKING:
    from farm.dispatch.drive import Driver
    from farm.dispatch.embedded import EmbeddedFarm
    from farm.dispatch.loop import Watcher
    from farm.dispatch.settle import Publish
    from farm.settings import Settings
    from farm.store.protocol import Staging, Store
    from farm.wire.mailbox import SchedulerMail

ENGINE_PROBE = (sys.executable, "-m", "workers", "engine-probe")
_PROBE_S = 60


@dataclass(frozen=True)
class Wish:
    """A cell that is wanted in a channel; `impossible` says why it cannot be had, and then it may have no recipe.

    `triple` is the platform as clients name it, `uv` whether uv can install it.
    """

    cell: Cell
    recipe: Recipe | None
    channel: str
    triple: str
    uv: bool = True
    impossible: Failure | None = None

    @classmethod
    def of(cls, planned: PlannedCell) -> Self:
        """The wish that a run was asked for."""
        cell = Cell.parse(planned.cell)
        return cls(cell, planned.recipe, planned.channel, planned.triple, planned.uv, planned.blocked)

    def planned(self) -> PlannedCell:
        """As it stands in a run before anything is resolved."""
        return PlannedCell(
            cell=str(self.cell),
            channel=self.channel,
            triple=self.triple,
            uv=self.uv,
            recipe=self.recipe,
            blocked=self.impossible,
        )


@dataclass(frozen=True)
class Options:
    """How a run is to go; with a `label`, only on workers that have it.

    `worker` are the words that start a worker, for tests; `tempo` None follows the settings.

    `replan` is called once the distros were resolved, before anything is built: it gives the wishes as they are then. `builds`
    is what is published, where that was listed already.
    """

    fail_fast: bool = False
    with_worker: bool = True
    priority: Priority = NORMAL
    label: str = ""
    probe: Sequence[str] = ENGINE_PROBE
    worker: Sequence[str] = ()
    tempo: Tempo | None = None
    replan: Callable[[], Sequence[Wish]] | None = None
    builds: Builds | None = None


class Submission:
    """One `farm submit`."""

    def __init__(self, wishes: Sequence[Wish], settings: Settings, store: Store, watcher: Watcher, options: Options) -> None:
        """Nothing is started yet."""
        self._settings, self._watcher, self._options = settings, watcher, options
        self._tempo = options.tempo or Tempo.of(settings)
        self._date = locks.today()
        self._started = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self.run = new_run()
        self.journal = Journal(store, self.run)
        self.asked = self._ask(wishes)
        self.farm: EmbeddedFarm | None = None

    def _ask(self, wishes: Sequence[Wish]) -> RunPlan:
        return RunPlan(
            run=self.run,
            started=self._started,
            fail_fast=self._options.fail_fast,
            priority=self._options.priority,
            label=self._options.label,
            deadline_s=self._settings.cell_deadline_s,
            cells=tuple(wish.planned() for wish in wishes),
        )

    def leave_to_scheduler(self, relist: Relist = attrgetter("published")) -> bool:
        """Only say what is asked for, for a scheduler to drive; False when everything is published already."""
        if self._nothing_to_do(relist):
            return False
        self.journal.ask(self.asked)
        return True

    def perform(
        self, staging: Staging, publishing: Callable[[], Publish | None], relist: Relist = attrgetter("published")
    ) -> RunReport:
        """Bring every wish to its end. Raises FarmError, and KeyboardInterrupt after it has cleaned up.

        `relist` sees to it that the channels of cells that are published already list them. `publishing` is called when there
        is something to do, and gives what publishes; None where a `farm publisher` does both.
        """
        began = time.monotonic()
        plan = self._nothing_to_do(relist) or self._carried_out(staging, publishing, relist)
        return report(self.journal, plan, time.monotonic() - began)

    def _carried_out(self, staging: Staging, publishing: Callable[[], Publish | None], relist: Relist) -> RunPlan:
        from farm.dispatch import drive, embedded  # noqa: PLC0415 - Celery and Redis take long to load where nothing is to do

        options, publish = self._options, publishing()
        if options.with_worker:
            check_engine(self._settings, options.probe)
        with (
            leftover.noted(self._settings, self.run) as note,
            embedded.EmbeddedFarm(self._settings, with_worker=options.with_worker, command=options.worker) as farm,
        ):
            self.farm = farm
            farm.await_ready()
            means = drive.means_of(farm.settings, self.journal, staging, publish, self._watcher, farm.tend)
            driver = drive.Driver(self.journal, means, self._tempo, relist, self._date)
            try:
                plan = self._drive(driver)
            except KeyboardInterrupt:
                self._interrupt(driver.means.mail, farm, note)
                raise
            except Exception as error:
                self._give_up(error, farm, note)
                raise
            finally:
                driver.leave()
        self.journal.sweep()
        return plan

    def _nothing_to_do(self, relist: Relist) -> RunPlan | None:
        """The plan when all of it is published already, or cannot be had."""
        if missing_locks(self.journal, self.asked, self._date):
            return None
        plan = resolved(self.journal, self.asked, Resolution(), self._options.builds)
        if self._settings.publisher == "service" and any(one.published for one in plan.cells):
            return None  # that their channels list them is the publisher's work, who looks at runs alone
        return None if any(not one.published and not one.blocked for one in plan.cells) else listed(plan, relist)

    def _drive(self, driver: Driver) -> RunPlan:
        driver.means.mail.present(self.run)  # before it is asked for: no scheduler is to take it from us
        self.journal.ask(self.asked)
        replan = self._options.replan
        return driver.drive(self.asked, (lambda: self._ask(replan())) if replan else None)

    def _interrupt(self, mail: SchedulerMail, farm: EmbeddedFarm, note: leftover.Note) -> None:
        """Have the builders end what they build, wait for our own worker, and remove what is half done."""
        note.stays = True  # until it is done
        self.journal.close()
        with suppress(BrokerUnavailable):  # then the boxes end by themselves, a lease after their worker
            mail.cancel(self.run)
        farm.stop()
        self.journal.sweep()
        note.stays = False

    def _give_up(self, error: Exception, farm: EmbeddedFarm, note: leftover.Note) -> None:
        """Leave nothing that only an open run may keep, but for what a scheduler or a publisher goes on with."""
        if self._settings.broker_url:
            return
        if self._settings.publisher != "service":
            note.stays = True  # until it is done: a store may be away
            farm.stop()
            with suppress(FarmError):
                self.journal.close()
                self.journal.sweep()
                note.stays = False
        if isinstance(error, FarmError) and self._was_asked():
            error.hint = "; ".join(filter(None, (error.hint, f"`farm resume {self.run}` then builds what is missing")))

    def _was_asked(self) -> bool:
        """Whether the store knows the run, as far as it answers."""
        try:
            return bool(self.journal.asked())
        except BadInput:
            return False
        except FarmError:
            return True


def check_engine(settings: Settings, probe: Sequence[str] = ENGINE_PROBE) -> None:
    """Raise EngineUnavailable when no container engine answers on this host, before anything is started."""
    try:
        done = subprocess.run(  # noqa: S603 - a command of ours
            probe, env=settings.child_environment(), capture_output=True, text=True, timeout=_PROBE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EngineUnavailable(
            f"the container engine did not answer within {_PROBE_S} s", hint="is it overloaded? restart it, then try again"
        ) from error
    if done.returncode:
        message, _, hint = done.stderr.strip().partition("hint:")
        raise EngineUnavailable(
            message.strip().removeprefix("error: ") or f"`{' '.join(probe)}` failed with code {done.returncode}",
            hint=hint.strip(),
        )
