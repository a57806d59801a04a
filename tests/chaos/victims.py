"""Attempts that are made just now, as their logs tell, and the process of the one that a strike is meant for."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.chaos.services import Service
from tests.chaos.site import Site


@dataclass(frozen=True)
class Victim:
    """A slot of a worker in the middle of a step: its process and the log that says so."""

    worker: Service
    pid: int
    log: Path

    def step(self) -> str:
        """The step that it is in; '' when it is over."""
        return last_step(self.log)


def last_step(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.removeprefix("=== ") for line in reversed(lines) if line.startswith("=== ")), "start")


def attempts_of(worker: Service) -> list[Victim]:
    """Every attempt that a worker makes just now."""
    return [Victim(worker, pid, log) for log in logs_of(worker) for pid in slots_writing(worker, log)]


def logs_of(worker: Service) -> list[Path]:
    """The logs of its attempts: they lie in the folder for temporary files that each slot has of its own."""
    try:
        return list(worker.tmp.glob("farm-scratch-*/farm-scratch-*/farm-attempt-*/build.log"))
    except FileNotFoundError:  # a slot that ended while they were listed (before Python 3.12)
        return []


def slots_writing(worker: Service, log: Path) -> list[int]:
    """The slots that have a file open."""
    found = []
    for pid in worker.children():
        try:
            with os.scandir(f"/proc/{pid}/fd") as opened:
                if any(os.path.realpath(fd.path) == str(log.resolve()) for fd in opened):
                    found.append(pid)
        except OSError:
            continue
    return found


@dataclass
class Watchful:
    """Finds a victim in a step: it is stopped first, and then looked at again, so that it is in that very step when it dies."""

    site: Site
    patience_s: float = 10.0  # a step comes by every few seconds, or it is another one's turn

    def caught(self, step: str = "") -> Victim | None:
        """A stopped slot that is in the step (in any, when ''); None when none came by in time, or the run is over."""
        found: list[Victim] = []

        def came_by() -> bool:
            seen = (self._look(worker, log, step) for worker in self.site.workers for log in logs_of(worker))
            found.extend(islice((victim for victim in seen if victim), 1))
            return bool(found)

        return found[0] if self.site.met(came_by, self.patience_s) else None

    def _look(self, worker: Service, log: Path, step: str) -> Victim | None:
        now = last_step(log)
        if not now or (step and now != step) or now.startswith(("failed", "built")):
            return None
        try:
            pids = slots_writing(worker, log)
        except OSError:
            return None
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            if last_step(log) == now:
                return Victim(worker, pid, log)
            os.kill(pid, signal.SIGCONT)
        return None
