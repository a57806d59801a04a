"""Hosts that fail cell after cell for reasons of their own wait, longer each time: in whatever runs these cells are.

A failure in passing, or an attempt that was lost, is a host's own reason until the host has ended one in another way. A cell
that fails for good says nothing against its host: that it could be built, and was not good, is the cell's matter. What was
built at once and failed is one failure: a host that starts anew loses all its slots.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farm.dispatch.decide import RETRIED, HostEnd
from farm.dispatch.drain import said as drained

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.dispatch.decide import Record, Sight
    from farm.dispatch.tempo import Tempo
    from farm.plan.cell import Cell

LONGEST_S = 3600.0


@dataclass(frozen=True)
class Quarantine:
    """A host that is granted nothing until then (epoch seconds), after so many failures in a row."""

    host: str
    failures: int
    until: float

    def said(self, now: float) -> str:
        """As messages say it."""
        return f"{self.host} failed {self.failures} times in a row and is granted nothing for another {self.until - now:.0f} s"


def host_of(worker: str) -> str:
    """The host in a slot's or a worker's name: what stands before the numbers of its processes."""
    parts = worker.split(".")
    while len(parts) > 1 and parts[-1].isdecimal():
        parts.pop()
    return ".".join(parts)


def quarantine(worker: str, sight: Sight, now: float, tempo: Tempo) -> Quarantine | None:
    """Whether a worker's host has to wait; from `tempo.quarantine_after` failures on, and twice as long after each one."""
    host = host_of(worker)
    ends = sorted(end for end in (*ends_of(sight.records), *sight.elsewhere) if end.host == host)
    failures, since = 0, float("inf")
    for end in reversed(ends):
        if end.state != RETRIED:
            break
        if end.at <= since:  # before the one counted last was granted
            failures, since = failures + 1, end.granted
    if failures < tempo.quarantine_after:
        return None
    until = ends[-1].at + min(tempo.quarantine_s * 2.0 ** (failures - tempo.quarantine_after), LONGEST_S)
    return Quarantine(host, failures, until) if until > now else None


def refusal(worker: str, sight: Sight, now: float, tempo: Tempo) -> str:
    """Why a worker's host is granted nothing, as messages say it; '' when it is granted cells."""
    if (host := host_of(worker)) in sight.drained:
        return drained(host)
    waits = quarantine(worker, sight, now, tempo)
    return f"{worker} is quarantined: {waits.said(now)}" if waits else ""


def ends_of(records: Mapping[Cell, Record]) -> list[HostEnd]:
    """How the attempts of a run ended, and on which hosts; but for those in whose end the host had no part."""
    return [
        HostEnd(host_of(attempt.worker), end.at, end.state, attempt.granted)
        for record in records.values()
        for attempt in record.attempts
        if (end := record.endings.get(attempt.number)) and not end.excused
    ]


@dataclass
class Hosts:
    """How attempts ended in all runs that one process drives or drove lately. For many threads: each run has its own.

    It is only seen, never kept: who starts anew knows of the runs that are open, as soon as it drives them.
    """

    _ends: dict[str, tuple[HostEnd, ...]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, run: str, records: Mapping[Cell, Record], now: float) -> None:
        """A run stands so. What is too old to matter is forgotten."""
        ends = tuple(end for end in ends_of(records) if now - end.at < 2 * LONGEST_S)
        with self._lock:
            self._ends = {
                **{other: them for other, them in self._ends.items() if any(now - end.at < 2 * LONGEST_S for end in them)},
                run: ends,
            }

    def elsewhere(self, run: str) -> tuple[HostEnd, ...]:
        """How attempts of the other runs ended."""
        with self._lock:
            return tuple(end for other, ends in self._ends.items() if other != run for end in ends)
