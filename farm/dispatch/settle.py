"""Settling an attempt that staged its result: publish it, or record its failure. The log is kept in every case."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farm.dispatch.decide import PUBLISHED
from farm.dispatch.journal import Journal
from farm.dispatch.records import Outcome
from farm.errors import Conflict, EngineUnavailable, Failure, FarmError, NoRoomHere, StoreUnavailable, Transient, no_room, room
from farm.plan.cell import Cell
from farm.store import locks, run_keys

if TYPE_CHECKING:
    from farm.dispatch.records import PlannedCell
    from farm.wire.messages import Result

Publish = Callable[["PlannedCell", "Result"], str]

_PATIENCE_S = 60.0


def conclude(journal: Journal, cell: Cell, number: int, outcome: Outcome) -> None:
    """Keep how an attempt ended, and remove what it staged unless somebody is to look at it."""
    journal.end(cell, number, outcome)
    if outcome.failure and outcome.failure.outdated:
        locks.forget(journal.store, cell.distro, cell.arch)
    if not outcome.staged:
        journal.clear(cell, number)


@dataclass
class Settler:
    """Turns what an attempt staged into its outcome. `publish` gives the catalog key of what it published."""

    journal: Journal
    publish: Publish
    clock: Callable[[], float] = time.time
    _since: dict[tuple[Cell, int], float] = field(default_factory=dict)

    def settle(self, cell: Cell, number: int, planned: PlannedCell) -> Outcome:
        """The outcome of an attempt. For a minute raises StoreUnavailable, EngineUnavailable or Conflict instead.

        Raises NoRoomHere for as long as this host has no room: a build of hours is not to be thrown away for that.
        """
        with room():
            return self._settled(cell, number, planned)

    def _settled(self, cell: Cell, number: int, planned: PlannedCell) -> Outcome:
        try:
            result = self.journal.staged(cell, number)
        except (StoreUnavailable, NoRoomHere):
            raise
        except FarmError as error:
            self.journal.drop_archives(cell, number)
            log = self.journal.keep_log(cell, number)
            return Outcome(state=error.kind, at=self.clock(), failure=error.failure("stage"), log=log)
        if result.failure and not _kept(result.failure):
            self.journal.drop_archives(cell, number)  # a store that has no room for them has none for the log either
        log = self.journal.keep_log(cell, number)
        if result.failure:
            return self._outcome(cell, number, result, log, failure=result.failure)
        return self._published(cell, number, planned, result, log)

    def _published(self, cell: Cell, number: int, planned: PlannedCell, result: Result, log: str) -> Outcome:
        """What comes of publishing what was staged."""
        try:
            artifact = self.publish(planned, result)
        except NoRoomHere:
            self._since.pop((cell, number), None)  # what may pass begins anew
            raise
        except (StoreUnavailable, EngineUnavailable, Conflict) as error:  # the last: somebody else published at the same moment
            if self.clock() - self._since.setdefault((cell, number), self.clock()) < _PATIENCE_S:
                raise
            lost = Transient(error.message, hint=error.hint)  # none says anything against the cell, or its builder
            outcome = self._outcome(cell, number, result, log, failure=lost.failure("publish"))
            return outcome.model_copy(update={"excused": True})
        except FarmError as error:
            return self._outcome(cell, number, result, log, failure=error.failure("publish"))
        except Exception as error:  # what a builder staged may trip anything; that must not end the run of the others
            if no_room(error):
                raise
            said = f"what was staged could not be published: {type(error).__name__}: {error}"
            return self._outcome(cell, number, result, log, failure=Failure("verification-failed", said, step="publish"))
        return self._outcome(cell, number, result, log, artifact=artifact)

    def _outcome(  # one place for the shape of an outcome
        self, cell: Cell, number: int, result: Result, log: str, *, failure: Failure | None = None, artifact: str = ""
    ) -> Outcome:
        return Outcome(
            state=failure.kind if failure else PUBLISHED,
            at=self.clock(),
            worker=result.worker,
            failure=failure,
            artifact=artifact,
            findings=result.findings,
            steps=result.steps,
            staged=run_keys.staging(self.journal.run, cell, number) if failure and _kept(failure) else "",
            log=log,
        )


def _kept(failure: Failure) -> bool:
    """Whether what was staged stays, for somebody to look at."""
    return failure.kind == "verification-failed"
