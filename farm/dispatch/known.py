"""What is known of a run before anything is done for it: what must be resolved, what is published already, what is listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from farm.dispatch.records import PlannedCell, RunPlan
from farm.errors import Failure
from farm.plan.cell import Cell
from farm.plan.fate import Builds, by_cell
from farm.plan.recipe import Inputs
from farm.store import catalog, locks
from farm.store.locks import Platform

if TYPE_CHECKING:
    from farm.dispatch.journal import Journal

Relist = Callable[[PlannedCell], str]  # sees to it that a published cell's channel lists it; gives its catalog key


@dataclass
class Resolution:
    """What came of resolving: the inputs of each platform, or why there are none."""

    inputs: dict[Platform, Inputs] = field(default_factory=dict)
    failures: dict[Platform, Failure] = field(default_factory=dict)


def missing_locks(journal: Journal, asked: RunPlan, date: str) -> dict[locks.Platform, locks.Packages]:
    """What must be resolved before the run can be planned: packages by platform."""
    recipes = (planned.recipe for planned in asked.cells if planned.recipe)
    return locks.missing(journal.store, locks.packages_of(recipes), date)


def resolved(journal: Journal, asked: RunPlan, resolution: Resolution, builds: Builds | None = None) -> RunPlan:
    """What was asked for with what is known now: what each cell is built with, and whether that is published already.

    The catalog is listed once, and each platform's lock is read once: a run may have ten thousand cells. `builds` is what is
    published, where that was listed already.
    """
    published = by_cell(catalog.published(journal.store)) if builds is None else builds

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
        if given and planned.recipe and (found := published.get(cell)):
            there = catalog.same(found, planned.recipe.digest, digest(*platform), planned.channel)
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

    def listed_as(planned: PlannedCell) -> PlannedCell:
        key = relist(planned) if planned.published else ""
        return planned if key == planned.published else planned.model_copy(update={"published": key})

    return plan.model_copy(update={"cells": tuple(map(listed_as, plan.cells))})
