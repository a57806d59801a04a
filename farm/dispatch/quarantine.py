"""Hosts that fail cell after cell for reasons of their own wait, longer each time. Pure: from the attempts of a run alone.

A failure in passing, or an attempt that was lost, is a host's own reason until the host has ended one in another way. A cell
that fails for good says nothing against its host: that it could be built, and was not good, is the cell's matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.dispatch.decide import RETRIED

if TYPE_CHECKING:
    from farm.dispatch.decide import Sight
    from farm.dispatch.tempo import Tempo

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
    ends = sorted(
        (record.endings[attempt.number].at, record.endings[attempt.number].state)
        for record in sight.records.values()
        for attempt in record.attempts
        if attempt.number in record.endings and host_of(attempt.worker) == host
    )
    failures = 0
    for _, state in reversed(ends):
        if state != RETRIED:
            break
        failures += 1
    if failures < tempo.quarantine_after:
        return None
    until = ends[-1][0] + min(tempo.quarantine_s * 2.0 ** (failures - tempo.quarantine_after), LONGEST_S)
    return Quarantine(host, failures, until) if until > now else None
