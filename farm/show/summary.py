"""A run that has ended: a table, what failed and what to run next, how to use what was built; and the same as JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from farm.dispatch.report import GOOD
from farm.plan.cell import Cell
from farm.show.progress import duration
from farm.show.published import dockerfile, size
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from farm.dispatch.report import CellReport, RunReport
    from farm.plan.facts import Facts
    from farm.store.artifact import Artifact, Finding, StepTime

_LINES = 15
_WRAPPING = {"time"}
_TELLING = re.compile(r"error|fail|fatal|cannot|undefined reference|no such|not found|traceback|killed|\*\*\*", re.IGNORECASE)
_STYLES = {"published": "green", "already published": "green", "failed": "bold red", "not built": "red"}


def table(report: RunReport) -> Table:
    """One row for each cell, but for those of `unread`."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("cell", "result", "build id", "size", "sha256", "time", "findings"):
        made.add_column(column, no_wrap=column not in _WRAPPING, justify="right" if column in {"size", "time"} else "left")
    for cell in report.cells:
        if _unread(cell):
            continue
        info = cell.artifact.archive("install_only", "tar.gz") if cell.artifact else None
        made.add_row(
            cell.cell,
            Text(cell.end, style=_STYLES[cell.end]),
            cell.artifact.build_id if cell.artifact else "",
            size(info.size) if info else "",
            info.sha256[:16] if info else "",
            duration(sum(step.seconds for step in steps_of(cell))) if steps_of(cell) else "",
            findings(cell),
        )
    return made


def unread(report: RunReport) -> str:
    """How many cells are published already and have no row, because there are so many of them; '' when each has one."""
    count = sum(map(_unread, report.cells))
    return f"{count} cells were published already; `farm ls` lists them" if count else ""


def _unread(cell: CellReport) -> bool:
    return cell.end == "already published" and cell.artifact is None


def step_line(cell: CellReport) -> str:
    """Where a cell's time went, and how many cores were busy, e.g. 'sources 0:02, compile 4:10 (1.9 cores), …'."""
    return ", ".join(
        f"{step.step} {duration(step.seconds)}{'' if step.cores is None else f' ({step.cores:.1f} cores)'}"
        for step in steps_of(cell)
        if step.seconds >= 1
    )


def steps_of(cell: CellReport) -> tuple[StepTime, ...]:
    """How long each step took; for a cell that was there already, when it was built."""
    return cell.steps or (cell.artifact.steps if cell.artifact else ())


def findings(cell: CellReport) -> str:
    """How many findings of each severity, e.g. '1 error, 2 notes'; 'none' for a clean archive."""
    found = cell.findings or (cell.artifact.findings if cell.artifact else ())
    counts = {severity: sum(one.severity == severity for one in found) for severity in ("error", "warning", "note")}
    said = ", ".join(f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts.items() if count)
    return said or ("none" if cell.artifact else "")


def meaningful(lines: Sequence[str], limit: int = _LINES) -> list[str]:
    """The lines of a log's end that say what went wrong: from the first telling one of the last ones, else just the last."""
    said = [line.rstrip() for line in lines if line.strip() and not line.startswith("=== ")]
    telling = [number for number, line in enumerate(said) if _TELLING.search(line)]
    if not telling:
        return said[-limit:]
    first = max(0, telling[-1] - limit + 1)
    start = next(number for number in telling if number >= first)
    return said[start : start + limit]


def failures(report: RunReport) -> list[str]:
    """What to read and do about each cell that is not published, line by line."""
    lines: list[str] = []
    for cell in report.cells:
        if cell.end not in GOOD:
            lines += _failure(cell, report.store)
    return lines


def _failure(cell: CellReport, store: str) -> list[str]:
    if cell.failure is None:
        return ["", f"{cell.cell}: not built, because the run ended before its turn"]
    where = f" in step '{cell.failure.step}'" if cell.failure.step else ""
    tries = f" after {cell.attempts} attempts" if cell.attempts > 1 else ""
    lines = ["", f"{cell.cell}: {cell.failure.kind}{where}{tries}: {cell.failure.message}"]
    lines += [_told(finding) for finding in cell.findings if finding.severity == "error"]
    lines += [f"  | {line}" for line in meaningful(cell.log_tail)]
    if cell.log:
        lines.append(f"  the whole log: {store}/{cell.log}")
    if cell.staged:
        lines.append(f"  what was built: {store}/{cell.staged}")
    if cell.failure.hint:
        lines.append(f"  hint: {cell.failure.hint}")
    return lines


def _told(finding: Finding) -> str:
    where = f"{finding.file}: " if finding.file else ""
    return f"  {finding.severity}: {finding.check}: {where}{finding.message}"


def usage(report: RunReport, facts: Callable[[], Facts]) -> list[str]:
    """Where each archive is, and how an image gets the first one. `facts` is called when there is one."""
    built = [cell.artifact for cell in report.cells if cell.artifact]
    if not built:
        return []
    lines = ["", "archives:", *(f"  {report.store}/{address(artifact)}" for artifact in built)]
    return [*lines, "", "Dockerfile, with the archive beside it:", *(f"  {line}" for line in dockerfile(built[0], facts()))]


def address(artifact: Artifact) -> str:
    """The key of the archive that most clients want."""
    folder = keys.artifact_folder(Cell.parse(artifact.build.cell), artifact.build_id)
    return f"{folder}/{artifact.archive('install_only', 'tar.gz').name}"


def as_json(report: RunReport) -> dict[str, object]:
    """The report for programs."""
    return {
        "run": report.run,
        "store": report.store,
        "seconds": round(report.seconds, 3),
        "exit_code": report.exit_code,
        "cells": [_cell_json(cell) for cell in report.cells],
    }


def _cell_json(cell: CellReport) -> dict[str, object]:
    failure = cell.failure
    return {
        "cell": cell.cell,
        "result": cell.end,
        "attempts": cell.attempts,
        "artifact": cell.artifact.model_dump(mode="json") if cell.artifact else None,
        "failure": {"kind": failure.kind, "message": failure.message, "hint": failure.hint, "step": failure.step}
        if failure
        else None,
        "findings": [finding.model_dump(mode="json") for finding in cell.findings],
        "steps": [step.model_dump(mode="json") for step in cell.steps],
        "log": cell.log,
        "staged": cell.staged,
    }
