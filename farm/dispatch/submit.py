"""`farm submit` from a list of wishes to a report: resolve, plan, dispatch, publish; and how it ends when it is interrupted."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from farm.dispatch import leftover, resolve
from farm.dispatch.decide import Tempo
from farm.dispatch.embedded import EmbeddedFarm
from farm.dispatch.journal import Journal, PlannedCell, RunPlan, new_run
from farm.dispatch.loop import Loop, Means
from farm.dispatch.queue import TaskQueue
from farm.dispatch.report import RunReport, report
from farm.dispatch.settle import Publish, Settler
from farm.errors import BrokerUnavailable, EngineUnavailable, Failure
from farm.plan.cell import Cell
from farm.plan.recipe import Inputs, Recipe
from farm.store import catalog, locks
from farm.wire.mailbox import SchedulerMail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.dispatch.loop import Watcher
    from farm.dispatch.resolve import Resolution
    from farm.settings import Settings
    from farm.store.keys import Published
    from farm.store.locks import Platform
    from farm.store.protocol import Staging, Store

Relist = Callable[[PlannedCell], str]
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


@dataclass(frozen=True)
class Options:
    """How a run is to go. `worker` are the words that start a worker, for tests; `tempo` None follows the settings.

    `replan` is called once the distros were resolved, before anything is built: it gives the wishes as they are then.
    """

    fail_fast: bool = False
    with_worker: bool = True
    probe: Sequence[str] = ENGINE_PROBE
    worker: Sequence[str] = ()
    tempo: Tempo | None = None
    replan: Callable[[], Sequence[Wish]] | None = None


class Submission:
    """One `farm submit`."""

    def __init__(self, wishes: Sequence[Wish], settings: Settings, store: Store, watcher: Watcher, options: Options) -> None:
        """Nothing is started yet."""
        self._wishes, self._settings, self._store = wishes, settings, store
        self._watcher, self._options = watcher, options
        self._tempo = options.tempo or Tempo.of(settings)
        self._date = locks.today()
        self.run = new_run()
        self.journal = Journal(store, self.run)
        self.farm: EmbeddedFarm | None = None

    def perform(self, staging: Staging, publish: Publish, relist: Relist = attrgetter("published")) -> RunReport:
        """Bring every wish to its end. Raises FarmError, and KeyboardInterrupt after it has cleaned up.

        `relist` sees to it that the channels of cells that are published already list them.
        """
        began = time.monotonic()
        wanted = locks.packages_of(wish.recipe for wish in self._wishes if wish.recipe)
        missing = locks.missing(self._store, wanted, self._date)
        plan = self._plan(resolve.Resolution())
        if not missing and not _to_build(plan):
            plan = _listed(plan, relist)
            return report(self.journal, plan, time.monotonic() - began)
        if self._options.with_worker:
            check_engine(self._settings, self._options.probe)
        with leftover.noted(self._settings, self.run), self._started() as farm:
            self.farm = farm
            farm.await_ready()
            means = self._means(farm, staging, publish)
            try:
                plan = self._drive(means, missing, relist)
            except KeyboardInterrupt:
                self._interrupt(means.mail, farm)
                raise
            finally:
                self._leave(means)
        self.journal.sweep()
        return report(self.journal, plan, time.monotonic() - began)

    def _started(self) -> EmbeddedFarm:
        return EmbeddedFarm(self._settings, with_worker=self._options.with_worker, command=self._options.worker)

    def _means(self, farm: EmbeddedFarm, staging: Staging, publish: Publish) -> Means:
        mail = SchedulerMail(farm.settings.broker_url)
        mail.ping()
        settler = Settler(self.journal, publish)
        return Means(mail, TaskQueue(farm.settings), staging, settler, self._watcher, farm.tend)

    def _drive(self, means: Means, missing: Mapping[Platform, tuple[str, ...]], relist: Relist) -> RunPlan:
        resolution = resolve.Resolver(self.run, self._store, means, self._tempo, self._date).resolve(missing)
        if missing and self._options.replan:
            self._wishes = self._options.replan()
        plan = _listed(self._plan(resolution), relist)
        self.journal.save_plan(plan)
        Loop(self.journal, plan, means, self._tempo).run()
        return plan

    def _plan(self, resolution: Resolution) -> RunPlan:
        """The plan with what is known now: what each cell is built with, and whether that is published already."""
        published = catalog.published(self._store)
        cells = tuple(self._planned(wish, resolution, published) for wish in self._wishes)
        return RunPlan(
            run=self.run,
            started=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            fail_fast=self._options.fail_fast,
            deadline_s=self._settings.cell_deadline_s,
            cells=cells,
        )

    def _planned(self, wish: Wish, resolution: Resolution, published: Sequence[Published]) -> PlannedCell:
        platform = (wish.cell.distro, wish.cell.arch)
        blocked = wish.impossible or resolution.failures.get(platform)
        inputs = None if blocked else self._inputs(platform, resolution)
        there = _same(wish, inputs, published)
        return PlannedCell(
            cell=str(wish.cell),
            channel=wish.channel,
            triple=wish.triple,
            uv=wish.uv,
            recipe=wish.recipe,
            inputs=inputs,
            blocked=blocked,
            published=there.key if there else "",
        )

    def _inputs(self, platform: Platform, resolution: Resolution) -> Inputs | None:
        return resolution.inputs.get(platform) or locks.newest_inputs(self._store, *platform)

    def _interrupt(self, mail: SchedulerMail, farm: EmbeddedFarm) -> None:
        """Have the builders end what they build, wait for our own worker, and remove what is half done."""
        with suppress(BrokerUnavailable):  # then the boxes end by themselves, a lease after their worker
            mail.cancel(self.run)
        farm.stop()
        self.journal.sweep()

    def _leave(self, means: Means) -> None:
        with suppress(BrokerUnavailable):  # then it forgets us by itself
            means.mail.leave(self.run)
        means.mail.close()
        means.queue.close()


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


def _listed(plan: RunPlan, relist: Relist) -> RunPlan:
    """The plan with its published cells listed by the channels that they are wanted in."""
    cells = tuple(
        planned.model_copy(update={"published": relist(planned)}) if planned.published else planned for planned in plan.cells
    )
    return plan.model_copy(update={"cells": cells})


def _to_build(plan: RunPlan) -> bool:
    return any(not planned.published and not planned.blocked for planned in plan.cells)


def _same(wish: Wish, inputs: Inputs | None, published: Sequence[Published]) -> Published | None:
    """The newest build of a wish that is there already: same recipe, same inputs; in its channel rather than in another."""
    if wish.recipe is None or inputs is None:
        return None
    recipe = wish.recipe.digest
    same = [build for build in published if build.cell == wish.cell and build.same(recipe, inputs.digest)]
    return max(same, key=lambda build: (build.channel == wish.channel, build.build_id), default=None)
