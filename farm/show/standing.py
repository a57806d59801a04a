"""How the farm stands, as text, as data and as a page. Pure: values in, text out."""

from __future__ import annotations

import time
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any

from farm.show import runs
from farm.show.progress import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farm.dispatch.standing import Standing
    from farm.dispatch.view import CellView

_STYLE = (
    "body{font:15px/1.4 sans-serif;max-width:80em;margin:2em auto;padding:0 1em}h2{margin-bottom:.2em}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.2em 1.2em .2em 0;border-bottom:1px solid #ddd}"
    ".failed,.stopped,.trouble{color:#a00}.published{color:#176117}.waiting{color:#777}"
)
_REFRESH_S = 5
_BUILDING = ("building", "staged")


def text(now: Standing) -> str:
    """Some tables for a terminal."""
    parts = [_heading(now)]
    parts.append(runs.runs(now.runs) if now.runs else runs.NO_RUN)
    if busy := _busy(now):
        parts.append(runs.columns(("cell", "state", "step", "elapsed", "run"), [row for _, *row in busy]))
    parts.append(runs.workers(now.workers, now.refused, now.at) if now.workers else runs.NO_WORKER)
    parts += ["\n".join(dict.fromkeys(now.refused.values()))] if now.refused else []
    return "\n\n".join(parts)


def as_data(now: Standing) -> dict[str, Any]:
    """The same as JSON-able data."""
    return {
        "store": now.store,
        "at": now.at,
        "scheduler": now.scheduler,
        "trouble": now.trouble,
        "runs": runs.runs_data(now.runs),
        "cells": [_cell(cell, view.run) for view in now.views for cell in view.cells],
        "workers": runs.workers_data(now.workers, now.refused),
    }


def _cell(cell: CellView, run: str) -> dict[str, Any]:
    steps = [step.model_dump() for step in cell.steps]
    return {**{one.name: getattr(cell, one.name) for one in fields(cell)}, "steps": steps, "run": run}


def page(now: Standing) -> str:
    """The same as a page that loads itself again."""
    busy = _table(("cell", "state", "step", "elapsed", "run"), _busy(now)) if _busy(now) else "<p>nothing is being built</p>"
    lines = [("ended" if not run.going else "going", run.run, run.priority, run.cells, run.published, run.failed, run.rest)
             for run in reversed(now.runs)]  # fmt: skip
    cards = [
        ("trouble" if card.trouble or card.name in now.refused else "", card.name,
         now.refused.get(card.name, " ".join(card.queues)), card.slots, card.engine or card.trouble,
         card.cores, f"{card.disk_gb:.0f} GiB", duration(now.at - card.started))
        for card in now.workers
    ]  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="{_REFRESH_S}"><title>python-farm</title><style>{_STYLE}</style></head><body>\n'
        f"<h1>python-farm</h1><p>{escape(_heading(now))}</p>\n<h2>Being built</h2>{busy}\n"
        f"<h2>Runs</h2>{_table(('run', 'priority', 'cells', 'published', 'failed', 'left'), lines)}\n"
        f"<h2>Workers</h2>{_table(('worker', 'takes', 'slots', 'engine', 'cores', 'disk free', 'up'), cards)}\n</body></html>\n"
    )


def _heading(now: Standing) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now.at))
    scheduler = now.trouble or ("a scheduler drives it" if now.scheduler else "no scheduler shows itself")
    return f"{now.store} at {when} UTC: {scheduler}"


def _busy(now: Standing) -> list[tuple[str, ...]]:
    return [(cell.state, *_row(cell, view.run)) for view in now.views for cell in view.cells if cell.state in _BUILDING]


def _row(cell: CellView, run: str) -> tuple[str, ...]:
    state = f"{cell.state}, attempt {cell.attempt}" if cell.attempt > 1 else cell.state
    return (cell.name, state, cell.step, duration(cell.elapsed_s), run)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "".join(_html(head, rows))


def _html(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """The first field of each row is its class."""
    yield "<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"
    for kind, *row in rows:
        yield f'<tr class="{escape(str(kind))}">' + "".join(f"<td>{escape(str(field))}</td>" for field in row) + "</tr>"
    yield "</table>"
