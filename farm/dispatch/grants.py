"""Answering a builder that asks for leave: the only place where an attempt comes into being."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.dispatch.decide import PUBLISHED, Wanted, refusal
from farm.dispatch.drain import said
from farm.dispatch.journal import Journal
from farm.dispatch.quarantine import host_of, quarantine
from farm.dispatch.records import AttemptNote, Outcome, PlannedCell
from farm.dispatch.tempo import Tempo
from farm.errors import BadInput
from farm.index import reading
from farm.plan.cell import Cell
from farm.plan.recipe import PACKS, staged_name
from farm.store import catalog, run_keys
from farm.store.protocol import Staging
from farm.wire.messages import STAGED_LOG, STAGED_RESULT, Denial, Grant

if TYPE_CHECKING:
    from farm.dispatch.decide import Sight
    from farm.wire.messages import GrantRequest

STAGED_NAMES = (*(staged_name(kind, form) for kind, form in PACKS), STAGED_LOG, STAGED_RESULT)

_DRAINED_S = 30.0  # so long a slot takes nothing from the queue, which leaves it to others
_URL_SLACK_S = 1800  # uploads begin when the build has ended, which may be at its deadline


@dataclass(frozen=True)
class Granter:
    """Grants attempts of one run, one alive at a time for each cell."""

    journal: Journal
    planned: Mapping[Cell, PlannedCell]
    wanted: Wanted
    staging: Staging
    tempo: Tempo
    deadline_s: int

    def answer(self, request: GrantRequest, sight: Sight, now: float) -> Grant | Denial:
        """Leave and all that the attempt needs, or why not. The store decides between two that ask at once."""
        try:
            cell = Cell.parse(request.cell)
        except BadInput as error:
            return Denial(reason=error.message)
        if refused := self._refused(cell, request.worker, sight, now):
            return refused
        planned, number = self.planned[cell], sight.record(cell).newest + 1
        if planned.recipe is None:
            return Denial(reason=f"{cell} has no recipe")
        note = AttemptNote(worker=request.worker, granted=now, deadline_s=self.deadline_s)
        if not self.journal.grant(cell, number, note):
            return Denial(reason=f"attempt {number} of {cell} was granted to somebody else just now")
        return Grant(
            attempt=number,
            recipe=planned.recipe,
            inputs=planned.inputs,
            deadline_s=self.deadline_s,
            uploads={name: self._url(cell, number, name) for name in STAGED_NAMES},
        )

    def _refused(self, cell: Cell, worker: str, sight: Sight, now: float) -> Denial | None:
        """Why a builder is granted no attempt at a cell."""
        if why := refusal(cell, self.wanted, sight, now, self.tempo):
            return Denial(reason=why)
        if waits := self._host_waits(worker, sight, now):
            return waits
        if self._is_published(cell, sight.record(cell).newest + 1, now):
            return Denial(reason=f"{cell} was published meanwhile, by another run")
        return None

    def _is_published(self, cell: Cell, number: int, now: float) -> bool:
        """Whether another run published the very same since this one was planned, and the channel lists it.

        That is then how the cell ended. What no channel lists yet is left to whoever publishes it.
        """
        planned = self.planned[cell]
        if planned.recipe is None or planned.inputs is None:
            return False
        builds = [build for build in catalog.published(self.journal.store, cell) if build.channel == planned.channel]
        there = catalog.same(builds, planned.recipe.digest, planned.inputs.digest, planned.channel)
        if there is None or reading.listed(self.journal.store, planned.channel, cell, there.build_id) is None:
            return False
        self.journal.end(cell, number, Outcome(state=PUBLISHED, at=now, artifact=there.key))
        return True

    def _host_waits(self, worker: str, sight: Sight, now: float) -> Denial | None:
        """Why the asker's host is granted nothing; None when it may be granted any cell."""
        if (host := host_of(worker)) in sight.drained:
            return Denial(reason=said(host), pause_s=_DRAINED_S)
        if waits := quarantine(worker, sight, now, self.tempo):
            return Denial(reason=waits.said(now), pause_s=waits.until - now)
        return None

    def _url(self, cell: Cell, number: int, name: str) -> str:
        key = run_keys.staging(self.journal.run, cell, number, name)
        return self.staging.upload_url(key, expires_s=self.deadline_s + _URL_SLACK_S)
