"""Runs, workers and logs as text and as data."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from farm.show.progress import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from farm.dispatch.listing import RunLine
    from farm.wire.messages import WorkerCard

NO_RUN = "no run was ever asked for; start one with: farm submit matrix.yaml"
NO_WORKER = "no worker shows itself; start one with: python -m workers worker"


def runs(lines: Sequence[RunLine]) -> str:
    """A table of runs."""
    head = ("run", "state", "priority", "cells", "published", "failed", "left")
    return columns(
        head,
        [
            (line.run, "going" if line.going else "ended", line.priority, line.cells, line.published, line.failed, line.rest)
            for line in lines
        ],
    )


def runs_data(lines: Iterable[RunLine]) -> list[dict[str, Any]]:
    """The same as JSON-able data."""
    return [asdict(line) | {"left": line.rest} for line in lines]


def workers(cards: Iterable[WorkerCard], now: float | None = None) -> str:
    """A table of live workers; one without an engine says why below its line."""
    at = time.time() if now is None else now
    rows = [
        (
            card.name,
            " ".join(card.queues) + (f" ({', '.join(card.emulators)})" if card.emulators else ""),
            card.slots,
            card.engine or "NO ENGINE",
            card.cores,
            f"{card.memory_gb:.0f} GiB",
            f"{card.disk_gb:.0f} GiB",
            duration(at - card.started),
        )
        for card in cards
    ]
    return columns(("worker", "takes", "slots", "engine", "cores", "memory", "disk free", "up"), rows)


def columns(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as plain text, which pipes keep."""
    table = [[str(field) for field in row] for row in (head, *rows)]
    widths = [max(len(row[number]) for row in table) for number in range(len(head))]
    return "\n".join("  ".join(field.ljust(width) for field, width in zip(row, widths, strict=True)).rstrip() for row in table)
