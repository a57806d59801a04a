"""A worker that is connected and takes no work: noticed by the work that waits, said, and mended by starting anew.

Celery's consumers have stopped like that after a connection was reset: https://github.com/celery/celery/issues/8030, /10302.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import BrokerUnavailable

if TYPE_CHECKING:
    from farm.wire.mailbox import BuilderMail

log = logging.getLogger(__name__)


@dataclass
class Deafness:
    """Since when work waits that this worker could take and does not. `busy` says whether it has any."""

    queues: Sequence[str]
    busy: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    _since: float | None = None

    def seconds(self, mail: BuilderMail) -> float:
        """For how long that has been so; 0.0 while it is not. A Redis that does not answer says nothing."""
        with suppress(BrokerUnavailable):
            waits = not self.busy() and mail.lengths(self.queues) > 0
            self._since = None if not waits else self.clock() if self._since is None else self._since
        return 0.0 if self._since is None else self.clock() - self._since


def start_anew(why: str) -> None:
    """Replace this process by a fresh one with the same words. Its slots are ended first: nobody would own them."""
    log.warning("%s: starting anew", why)
    end_slots()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves


def end_slots() -> None:
    """Kill the processes that build; their boxes end with them."""
    for child in _children():
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found
