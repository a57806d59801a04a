"""Runs at a glance, from the names of keys and each run's plan: how far each has come, and the newest one that has a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.dispatch.decide import CANCELLED, PUBLISHED
from farm.dispatch.journal import Journal
from farm.errors import BadInput
from farm.wire.queue import Priority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.plan.cell import Cell
    from farm.store.protocol import Store

_SHOWN = 20


@dataclass(frozen=True)
class RunLine:
    """A run: how many cells it was asked for, how many of them are published and how many failed at least for now."""

    run: str
    started: str
    going: bool
    priority: Priority
    cells: int
    published: int
    failed: int

    @property
    def rest(self) -> int:
        """Cells that are neither published nor failed."""
        return self.cells - self.published - self.failed


def runs(store: Store, *, everything: bool = False) -> list[RunLine]:
    """The runs, oldest first: all that go on, and of the others the newest ones (or all)."""
    going = set(Journal.open_runs(store))
    known = Journal.runs(store)
    shown = known if everything else [run for run in known if run in going or run in known[-_SHOWN:]]
    return [_line(Journal(store, run), going=run in going) for run in shown]


def _line(journal: Journal, *, going: bool) -> RunLine:
    plan = journal.plan()
    ends = journal.newest_ends()
    there = {planned.cell for planned in plan.cells if planned.published}
    there |= {str(cell) for cell, state in ends.items() if state == PUBLISHED}
    blocked = {planned.cell for planned in plan.cells if planned.blocked}
    failed = blocked | {str(cell) for cell, state in ends.items() if state not in {PUBLISHED, CANCELLED}}
    return RunLine(plan.run, plan.started, going, plan.priority, len(plan.cells), len(there), len(failed - there))


def newest_with(store: Store, cell: Cell) -> Journal:
    """The newest run that wants a cell. Raises BadInput when none ever did."""
    for journal in _newest_first(store):
        if any(planned.cell == str(cell) for planned in journal.asked().cells):
            return journal
    raise BadInput(f"no run of the store {store.name} ever asked for {cell}", hint="`farm runs` lists runs")


def _newest_first(store: Store) -> Iterator[Journal]:
    return (Journal(store, run) for run in reversed(Journal.runs(store)))
