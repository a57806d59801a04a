"""Brings written files to their disk: those of many threads that come together by one call of the kernel.

Each `fsync` of a new file has the file system write its journal. `syncfs` writes everything that waits, once.
https://man7.org/linux/man-pages/man2/syncfs.2.html
"""

from __future__ import annotations

import ctypes
import os
import threading
from dataclasses import dataclass, field


@dataclass
class _Turns:
    """Who asked of a file system, counted from 1, and up to whom it was done."""

    asked: int = 0
    done: int = 0
    busy: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)


class Disk:
    """The disks below a folder. One call at a time for each file system; who comes meanwhile waits for the next one."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self._turns: dict[tuple[int, int], _Turns] = {}  # by process: one that is forked meanwhile waits for nobody here

    def keep(self, handle: int) -> None:
        """Give back control once an open file's content is on its disk. Raises OSError."""
        turns = self._turns.setdefault((os.getpid(), os.fstat(handle).st_dev), _Turns())
        with turns.changed:
            turns.asked += 1
            mine = turns.asked
            turns.changed.wait_for(lambda: turns.done >= mine or not turns.busy)
            if turns.done >= mine:
                return
            turns.busy = True
            last = turns.asked
            alone = last - turns.done == 1
        try:
            os.fsync(handle) if alone else _syncfs(handle)
        except BaseException:
            with turns.changed:
                turns.busy = False  # each of the others tries for itself
                turns.changed.notify_all()
            raise
        with turns.changed:
            turns.busy = False
            turns.done = last
            turns.changed.notify_all()


_LIBC = ctypes.CDLL(None, use_errno=True)


def _syncfs(handle: int) -> None:
    if _LIBC.syncfs(handle):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
