"""How a run ended, cell by cell, as values read from the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from farm.dispatch.decide import CANCELLED, Record
from farm.errors import EXIT_CELLS_FAILED, EXIT_OK, Failure
from farm.plan.cell import Cell
from farm.store.artifact import Artifact, Finding, StepTime

if TYPE_CHECKING:
    from farm.dispatch.journal import Journal
    from farm.dispatch.records import Outcome, PlannedCell, RunPlan

End = Literal["published", "already published", "failed", "not built"]
ENDS: tuple[End, ...] = ("published", "already published", "failed", "not built")
# Of what was published before, so many are told with their metadata; of more the name is enough: nobody reads so many
# rows, and reading thousands of objects would take longer than planning them.
READ = 100
GOOD: frozenset[End] = frozenset({"published", "already published"})


@dataclass(frozen=True)
class CellReport:
    """How one cell ended. `log` and `staged` are keys in the store, `log_tail` the last lines of that log.

    Without an `artifact` a cell that is published already is one of more than READ.
    """

    cell: str
    end: End
    attempts: int = 0
    artifact: Artifact | None = None
    failure: Failure | None = None
    findings: tuple[Finding, ...] = ()
    steps: tuple[StepTime, ...] = ()
    log: str = ""
    log_tail: tuple[str, ...] = ()
    staged: str = ""


@dataclass(frozen=True)
class RunReport:
    """How a run ended. `run` is '' when nothing had to be done."""

    run: str
    store: str
    seconds: float
    cells: tuple[CellReport, ...]

    @property
    def exit_code(self) -> int:
        """0 when every cell is published, 3 otherwise."""
        return EXIT_OK if all(cell.end in GOOD for cell in self.cells) else EXIT_CELLS_FAILED


def report(journal: Journal, plan: RunPlan, seconds: float) -> RunReport:
    """The report of a run that has ended (`seconds` after it began)."""
    records = journal.records()
    read = sum(bool(planned.published) for planned in plan.cells) <= READ
    cells = []
    for planned in plan.cells:
        if planned.published and not read:
            cells.append(CellReport(planned.cell, "already published"))
            continue
        cell = Cell.parse(planned.cell)
        record = records.get(cell, Record())
        # one that another run published meanwhile has ended without an attempt
        outcome = journal.outcome(cell) if record.newest or record.endings else None
        cells.append(_cell(journal, planned, record.newest, outcome))
    return RunReport(plan.run, journal.store.name, seconds, tuple(cells))


def _cell(journal: Journal, planned: PlannedCell, attempts: int, outcome: Outcome | None) -> CellReport:
    if planned.published:
        return CellReport(planned.cell, "already published", artifact=journal.artifact(planned.published))
    if planned.blocked:
        return CellReport(planned.cell, "failed", failure=planned.blocked)
    if outcome is None or outcome.state == CANCELLED:
        return CellReport(planned.cell, "not built", attempts, log=outcome.log if outcome else "")
    return CellReport(
        planned.cell,
        "published" if outcome.artifact else "failed",
        attempts,
        artifact=journal.artifact(outcome.artifact) if outcome.artifact else None,
        failure=outcome.failure,
        findings=outcome.findings,
        steps=outcome.steps,
        log=outcome.log,
        log_tail=() if outcome.artifact else tuple(journal.log_tail(outcome.log)),
        staged=outcome.staged,
    )
