"""`farm publisher`: settles what builders staged, for every open run. It needs the store and the signing key, and no Redis.

It looks at the store alone, so it may be killed and started again at any moment. Two of them do no harm: an artifact, a catalog
entry and an index are written with conditions, and an attempt that has ended is not ended again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from farm.dispatch.decide import Settle, Sight, decide
from farm.dispatch.journal import Journal
from farm.dispatch.known import Relist
from farm.dispatch.loop import wanted
from farm.dispatch.meter import Meter
from farm.dispatch.records import PlannedCell, RunPlan
from farm.dispatch.settle import Publish, Settler, conclude
from farm.dispatch.tempo import Tempo
from farm.errors import FarmError, NoRoomHere
from farm.plan.cell import Cell
from farm.store.protocol import Store


@dataclass
class PublishingService:
    """The service. `say` gets a line and the fields that belong to it (run, cell, attempt)."""

    store: Store
    publish: Publish
    relist: Relist
    tempo: Tempo
    say: Callable[..., None]
    meter: Meter = field(default_factory=Meter)
    stopping: threading.Event = field(default_factory=threading.Event)
    _trouble: dict[str, str] = field(default_factory=dict)
    _settlers: dict[str, Settler] = field(default_factory=dict)
    _plans: dict[str, RunPlan] = field(default_factory=dict)
    _postponed: dict[tuple[str, Settle], float] = field(default_factory=dict)  # until when

    def serve(self) -> None:
        """Return once `stopping` is set; what is being published then is published to its end."""
        while not self.stopping.is_set():
            self.turn()
            self.stopping.wait(self.tempo.poll_s)

    def turn(self) -> None:
        """Settle all that is staged now. What fails is said, and tried again at the next turn."""
        runs = self._attempted("", lambda: Journal.open_runs(self.store))
        if runs is None:
            return
        self._forget({*self._settlers, *self._trouble} - {"", *runs})
        for run in runs:
            self._attempted(run, lambda run=run: self._look(run))  # type: ignore[misc]
            if self.stopping.is_set():
                return

    def _forget(self, over: set[str]) -> None:
        """Runs that are over: this process lives for months, and a plan may have ten thousand recipes."""
        for run in over:
            for known in (self._settlers, self._plans, self._trouble):
                known.pop(run, None)
        self._postponed = {key: until for key, until in self._postponed.items() if key[0] not in over}

    def _attempted(self, run: str, act: Callable[[], list[str] | None]) -> list[str] | None:
        try:
            done = act()
        except Exception as error:  # a run that trips us must not end the others
            bug = "" if isinstance(error, FarmError) else f"a bug of ours: {type(error).__name__}: "
            if self._trouble.get(run) != str(error):
                self.say(f"{bug}{error}; trying again", run=run)
            self._trouble[run] = str(error)
            return None
        self._trouble.pop(run, None)
        return done

    def _look(self, run: str) -> None:
        settler = self._settlers.setdefault(run, Settler(Journal(self.store, run), self.publish))
        journal = settler.journal
        if run not in self._plans:
            if (plan := journal.kept_plan()) is None:
                return
            self._plans[run] = plan
        plan = self._plans[run]
        self._list_again(journal, plan)
        there = frozenset(Cell.parse(planned.cell) for planned in plan.cells if planned.published)
        planned = {Cell.parse(one.cell): one for one in plan.cells}
        sight = Sight(records=journal.records(), published=there, cancelled=journal.cancelled())
        troubles: list[FarmError] = []
        for action in decide(wanted(plan), sight, settler.clock(), self.tempo):
            if isinstance(action, Settle) and not self.stopping.is_set() and self._is_due(run, action, settler.clock()):
                try:
                    self._settle(settler, action, planned[action.cell])
                except FarmError as error:  # e.g. no room for this one, and there may be some for the next
                    troubles.append(error)
                    if isinstance(error, NoRoomHere):
                        self._postponed[run, action] = settler.clock() + self.tempo.roomless_s
        if troubles:
            raise troubles[0]

    def _is_due(self, run: str, action: Settle, now: float) -> bool:
        return now >= self._postponed.get((run, action), 0.0)

    def _settle(self, settler: Settler, action: Settle, planned: PlannedCell) -> None:
        journal, cell, number = settler.journal, action.cell, action.number
        outcome = settler.settle(cell, number, planned)
        record = journal.records().get(cell)
        if record and number in record.endings:  # another publisher was faster
            return
        conclude(journal, cell, number, outcome)
        self.meter.ended(outcome)
        said = f"published as {outcome.artifact}" if outcome.artifact else (outcome.failure.message if outcome.failure else "")
        self.say(f"{cell}: {outcome.state}: {said}", run=journal.run, cell=str(cell), attempt=number)

    def _list_again(self, journal: Journal, plan: RunPlan) -> None:
        if journal.is_relisted() or not any(planned.published for planned in plan.cells):
            return
        for planned in plan.cells:
            if planned.published:
                self.relist(planned)
        journal.relisted()
