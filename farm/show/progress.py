"""A run while it goes on: a table that is drawn again and again, or one line for each change where nobody can redraw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from farm.dispatch.view import CellView, RunView

_TAIL = 8
_ROWS = 20
_STYLES = {
    "published": "green",
    "failed": "bold red",
    "stopped": "red",
    "staged": "cyan",
    "building": "cyan",
    "waiting": "dim",
}
_ORDER = {"building": 0, "staged": 0, "waiting": 1, "failed": 2, "stopped": 2, "published": 3}


def duration(seconds: float) -> str:
    """Seconds as a person reads them, e.g. '3:07' or '1:02:03'."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def panel(view: RunView, elapsed_s: float, width: int = 100, focus: str = "") -> RenderableType:
    """The whole picture: a table of the cells, and the last lines of the log of `focus`, else of what has run longest."""
    left = f"   about {duration(view.left_s)} left" if view.left_s is not None else ""
    heading = Text(f"run {view.run}   {view.settled} of {len(view.cells)} settled   {duration(elapsed_s)}{left}", style="bold")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("cell", "state", "step"):
        table.add_column(column, no_wrap=True)
    table.add_column("elapsed", justify="right")
    table.add_column("left", justify="right")
    table.add_column("worker", no_wrap=True)
    shown = sorted(view.cells, key=lambda cell: (cell.name != focus, _ORDER[cell.state]))[:_ROWS]
    for cell in shown:
        state = Text(_state(cell), style=_STYLES[cell.state])
        left = duration(cell.left_s) if cell.left_s is not None else ""
        table.add_row(Text(cell.name), state, Text(_step(cell, width)), _elapsed(cell), left, Text(cell.worker))
    parts: list[RenderableType] = [heading, table]
    if len(view.cells) > len(shown):
        parts.append(Text(f"… and {len(view.cells) - len(shown)} more", style="dim"))
    running = [cell for cell in view.cells if cell.tail and focus in ("", cell.name)]
    if running:
        longest = max(running, key=lambda cell: cell.elapsed_s)
        parts.append(Text(f"— {longest.name}: {longest.step}", style="dim"))
        parts += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in longest.tail[-_TAIL:]]
    return Group(*parts)


def changes(before: RunView | None, after: RunView) -> list[str]:
    """A line for each cell whose state, attempt, step or note is another one than before."""
    return [line for _, line in changed(before, after)]


def changed(before: RunView | None, after: RunView) -> list[tuple[CellView, str]]:
    """The same, each line with its cell."""
    old = {cell.name: cell for cell in before.cells} if before else {}
    return [(cell, line) for cell in after.cells if (line := _change(old.get(cell.name), cell))]


def new_lines(shown: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...] | None:
    """The lines after those that were shown; None when nothing of them is there any more, so that some may be missing."""
    if not shown:
        return now
    for end in range(len(now), 0, -1):
        overlap = shown[-end:]
        for start in range(len(now) - len(overlap), -1, -1):
            if now[start : start + len(overlap)] == overlap:
                return now[start + len(overlap) :]
    return None


def _change(before: CellView | None, now: CellView) -> str:
    def key(cell: CellView) -> tuple[object, ...]:
        return (cell.state, cell.attempt, cell.step, cell.note)

    if before is not None and key(before) == key(now):
        return ""
    took = ""
    if before is not None and before.step and (before.attempt, before.step) != (now.attempt, now.step):
        took = f" ({before.step} took {duration(before.step_s)})"
    step = f": {now.step}" if now.step else ""
    note = f": {now.note}" if now.note else ""
    return f"{now.name}  {_state(now)}{step}{note}{took}"


def _state(cell: CellView) -> str:
    return f"{cell.state}, attempt {cell.attempt}" if cell.attempt > 1 else cell.state


def _step(cell: CellView, width: int) -> str:
    if not cell.step:
        return cell.note.splitlines()[0][: max(20, width // 2)] if cell.note else ""
    return f"{cell.step}  {duration(cell.step_s)}"


def _elapsed(cell: CellView) -> str:
    return duration(cell.elapsed_s) if cell.elapsed_s else ""
