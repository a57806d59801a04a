"""How long the cells of a run still take, guessed from how long the same ones took before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from farm.dispatch.decide import SETTLED
from farm.errors import FarmError
from farm.plan.cell import Cell
from farm.store import catalog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from farm.dispatch.records import RunPlan
    from farm.dispatch.view import CellView, RunView
    from farm.store.keys import Published
    from farm.store.protocol import Store

_MOST_READ = 40  # of a run of thousands: those of one series take about as long as each other


def past_durations(store: Store, plan: RunPlan) -> dict[str, float]:
    """Seconds that each cell took when it was built last; of one never built, what another cell of its series took."""
    builds = catalog.published(store)
    took: dict[Published, float] = {}
    found = {}
    for planned in plan.cells:
        cell = Cell.parse(planned.cell)
        build = _likest(cell, builds, took)
        if build is not None and (seconds := _took(store, build, took)):
            found[planned.cell] = seconds
    return found


def _likest(cell: Cell, builds: Sequence[Published], took: Mapping[Published, float]) -> Published | None:
    """The newest build of the cell itself, else of its series; once enough was read, only of those that were."""
    known = builds if len(took) < _MOST_READ else list(took)
    like = [build for build in known if build.cell.python.series == cell.python.series]
    return max(like, key=lambda build: (build.cell == cell, build.cell.distro == cell.distro, build.build_id), default=None)


def _took(store: Store, build: Published, took: dict[Published, float]) -> float:
    if build not in took:
        try:
            took[build] = sum(step.seconds for step in catalog.artifact(store, build).steps)
        except FarmError:  # one that cannot be read tells nothing; whoever asks for it is told why
            took[build] = 0.0
    return took[build]


def with_eta(view: RunView, durations: Mapping[str, float]) -> RunView:
    """A view whose cells say how long they still take, and the run too where that is known of every cell that is left."""
    cells = tuple(replace(cell, left_s=_left(cell, durations)) for cell in view.cells)
    unsettled = [cell for cell in cells if cell.state not in SETTLED]
    if not unsettled or any(cell.left_s is None for cell in unsettled):
        return replace(view, cells=cells)
    lefts = [cell.left_s or 0.0 for cell in unsettled]
    at_once = max(1, sum(cell.state in {"building", "staged"} for cell in unsettled))
    return replace(view, cells=cells, left_s=max(*lefts, sum(lefts) / at_once) if len(lefts) > 1 else lefts[0])


def _left(cell: CellView, durations: Mapping[str, float]) -> float | None:
    if cell.state in SETTLED or cell.name not in durations:
        return None
    return max(0.0, durations[cell.name] - cell.elapsed_s)
