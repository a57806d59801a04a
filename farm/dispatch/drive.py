"""Driving a run from what was asked for to its end. `farm submit` does it while it waits, the scheduler for all others."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from farm.dispatch import resolve
from farm.dispatch.journal import Journal
from farm.dispatch.loop import Loop, Means
from farm.dispatch.records import PlannedCell, RunPlan
from farm.dispatch.tempo import Tempo
from farm.errors import BrokerUnavailable, Failure
from farm.plan.cell import Cell
from farm.store import catalog, locks

if TYPE_CHECKING:
    from farm.plan.recipe import Inputs
    from farm.store.keys import Published

_TICK_S = 1.0

Relist = Callable[[PlannedCell], str]  # sees to it that a published cell's channel lists it; gives its catalog key


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


def missing_locks(journal: Journal, asked: RunPlan, date: str) -> dict[locks.Platform, locks.Packages]:
    """What must be resolved before the run can be planned: packages by platform."""
    recipes = (planned.recipe for planned in asked.cells if planned.recipe)
    return locks.missing(journal.store, locks.packages_of(recipes), date)


def resolved(journal: Journal, asked: RunPlan, resolution: resolve.Resolution) -> RunPlan:
    """What was asked for with what is known now: what each cell is built with, and whether that is published already.

    The catalog is listed once, and each platform's lock is read once: a run may have ten thousand cells.
    """
    published: dict[Cell, list[Published]] = {}
    for build in catalog.published(journal.store):
        published.setdefault(build.cell, []).append(build)

    @cache
    def inputs(distro: str, arch: str) -> Inputs | None:
        return resolution.inputs.get((distro, arch)) or locks.newest_inputs(journal.store, distro, arch)

    @cache
    def digest(distro: str, arch: str) -> str:
        return found.digest if (found := inputs(distro, arch)) else ""

    def known(planned: PlannedCell) -> PlannedCell:
        cell = Cell.parse(planned.cell)
        platform = (cell.distro, cell.arch)
        blocked = planned.blocked or resolution.failures.get(platform)
        given = None if blocked else inputs(*platform)
        if given and given.how == "cross" and planned.recipe and not planned.recipe.cross:
            blocked, given = _only_native(cell), None
        there = None
        if given and planned.recipe and (builds := published.get(cell)):
            there = catalog.same(builds, planned.recipe.digest, digest(*platform), planned.channel)
        return planned.model_copy(update={"blocked": blocked, "inputs": given, "published": there.key if there else ""})

    return asked.model_copy(update={"cells": tuple(map(known, asked.cells))})


def _only_native(cell: Cell) -> Failure:
    return Failure(
        "transient",
        f"{cell} can only be built by a worker on {cell.arch}: there are no rows that say how to cross-compile it like this",
        hint=f"start such a worker; or, where `farm explain {cell}` shows rows for cross-compiling, ask for 'optimize: none'",
        step="resolve",
    )


def listed(plan: RunPlan, relist: Relist) -> RunPlan:
    """The plan with its published cells listed by the channels that they are wanted in."""
    cells = tuple(
        planned.model_copy(update={"published": relist(planned)}) if planned.published else planned for planned in plan.cells
    )
    return plan.model_copy(update={"cells": cells})
