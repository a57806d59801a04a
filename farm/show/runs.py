"""Runs, workers and logs as text and as data."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from farm.show.progress import duration
from farm.wire.routes import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from farm.dispatch.listing import RunLine
    from farm.wire.messages import WorkerCard

_DEAF_S = 30.0
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


def workers(cards: Iterable[WorkerCard], refused: Mapping[str, str], now: float | None = None) -> str:
    """A table of live workers. `refused` says of some by name why their hosts are granted nothing."""
    at = time.time() if now is None else now
    rows = [
        (
            card.name,
            _takes(card, refused),
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


def workers_data(cards: Iterable[WorkerCard], refused: Mapping[str, str]) -> list[dict[str, Any]]:
    """The same as JSON-able data."""
    return [card.model_dump() | {"refused": refused.get(card.name, "")} for card in cards]


def _takes(card: WorkerCard, refused: Mapping[str, str]) -> str:
    """What a worker takes, shortly: for each architecture and way, the distros; then what keeps it from taking any."""
    ways: dict[str, set[str]] = {}
    for route in filter(None, map(Route.parse, card.queues)):
        ways.setdefault(f"{route.arch} {route.how}", set()).add(route.distro)
    told = [f"{way}: {' '.join(sorted(distros))}" for way, distros in ways.items()]
    told += [f"cross: {', '.join(card.emulators)}"] if card.emulators else []
    told += [f"labels: {' '.join(card.labels)}"] if card.labels else []
    told += ["GRANTED NOTHING"] if card.name in refused else []
    told += ["STOPPING"] if card.stopping else []
    told += [f"TAKES NOTHING SINCE {card.deaf_s:.0f} s"] if card.deaf_s > _DEAF_S else []
    return "; ".join(told)


def columns(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as plain text, which pipes keep."""
    table = [[str(field) for field in row] for row in (head, *rows)]
    widths = [max(len(row[number]) for row in table) for number in range(len(head))]
    return "\n".join("  ".join(field.ljust(width) for field, width in zip(row, widths, strict=True)).rstrip() for row in table)
