"""What a person sees of a run at one moment, as values. Rendered by `farm.show.progress`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.dispatch.decide import SETTLED, State, state_of
from farm.store.artifact import StepTime
from farm.wire.routes import wanted as needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.dispatch.decide import Sight, Wanted
    from farm.dispatch.tempo import Tempo
    from farm.plan.cell import Cell
    from farm.wire.mailbox import AttemptKey
    from farm.wire.messages import Beat


@dataclass(frozen=True)
class CellView:
    """A cell at one moment. Times are seconds; `note` says what a cell waits for or why it failed.

    `left_s` is how long it probably still takes; None where nobody knows.
    """

    name: str
    state: State
    attempt: int = 0
    step: str = ""
    step_s: float = 0.0
    elapsed_s: float = 0.0
    steps: tuple[StepTime, ...] = ()
    tail: tuple[str, ...] = ()
    note: str = ""
    worker: str = ""
    left_s: float | None = None


@dataclass(frozen=True)
class RunView:
    """A run at one moment; `left_s` as with cells."""

    run: str
    cells: tuple[CellView, ...]
    left_s: float | None = None

    @property
    def settled(self) -> int:
        """How many cells are settled."""
        return sum(cell.state in SETTLED for cell in self.cells)


def look(
    wanted: Wanted,
    sight: Sight,
    beats: Mapping[AttemptKey, Beat],
    notes: Mapping[Cell, str],
    *,
    now: float,
    tempo: Tempo,
) -> RunView:
    """The view of a run. `notes` say why cells failed, where that is known."""
    states = {cell: state_of(cell, wanted, sight, now, tempo) for cell in wanted.cells}
    views = []
    for cell, state in states.items():
        number = sight.record(cell).newest
        beat = beats.get((str(cell), number)) if state in {"building", "staged"} else None
        note = _note(cell, state, sight, notes.get(cell, ""), wanted)
        views.append(_alive(str(cell), state, beat, now) if beat else CellView(str(cell), state, number, note=note))
    return RunView(wanted.run, tuple(views))


def _alive(name: str, state: State, beat: Beat, now: float) -> CellView:
    return CellView(
        name,
        state,
        beat.attempt,
        step="publish" if state == "staged" else beat.step,
        step_s=max(0.0, now - beat.step_started),
        elapsed_s=max(0.0, now - beat.started),
        steps=beat.steps,
        tail=beat.tail,
        worker=beat.worker,
    )


def _note(cell: Cell, state: State, sight: Sight, failure: str, wanted: Wanted) -> str:
    if state in {"waiting", "stopped"} and cell in sight.unserved:
        return f"no live worker builds {needs(cell.arch, cell.distro, wanted.label)}"
    if state == "waiting" and failure:
        return f"will be tried again: {failure}"
    if state == "waiting" and sight.hindered and (said := sight.hindered.get(wanted.queue(cell))):
        return said
    if state == "waiting" and cell in wanted.crossed:
        return f"will be cross-compiled: no worker of {cell.arch} was there"
    return "" if state == "published" else failure
