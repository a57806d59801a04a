"""Whose a box is, as labels on it and on its volume, and until when: by them whoever looks finds what nobody owns any more."""

from __future__ import annotations

import os
import socket
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

OWNER = "farm.owner"
DEADLINE = "farm.deadline"
_MARGIN_S = 600  # a box ends itself at its deadline, and its worker then takes it away


def owner() -> str:
    """This process as a label: host, pid and when the pid was started, so that a reused pid is not taken for us."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def owned(system_time: str, deadline_s: int) -> dict[str, str]:
    """The labels of what this process makes now. The clock is the engine's: hosts that share it may disagree."""
    return {OWNER: owner(), DEADLINE: str(int(_epoch(system_time)) + deadline_s)}


def orphaned(labels: Mapping[str, str], system_time: str) -> bool:
    """Whether nobody owns what has these labels: its process is dead on this host, or its deadline has passed on any."""
    deadline = labels.get(DEADLINE, "")
    overdue = deadline.isdecimal() and _epoch(system_time) > int(deadline) + _MARGIN_S
    return overdue or not _alive(labels[OWNER])


def half_made(volume: Mapping[str, Any]) -> bool:
    """Whether of a volume there is no more than a name, as the engine tells of it: nothing is in it, and nobody can use it.

    An engine whose disk is full makes such, forgets them, and lists them without labels once it was started anew. That is
    seen only on the engine's own host.
    """
    place = Path(volume["Mountpoint"])
    try:
        return volume["Driver"] == "local" and place.parent.is_dir() and not place.exists()
    except PermissionError:  # whoever may use the engine's socket need not see its files
        return False


def _epoch(system_time: str) -> float:
    """The time that an engine tells, e.g. '2026-11-29T18:20:01.123456789Z', in epoch seconds."""
    return datetime.fromisoformat(system_time).timestamp()


def _started(pid: int) -> str:
    """When a process was started, in clock ticks since boot; '' when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:  # noqa: PTH123 - no file of ours
            return stat.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _alive(label: str) -> bool:
    """Whether the process that a label names is alive, as far as this host can tell (others' are left alone)."""
    host, _, rest = label.partition("/")
    pid, _, started = rest.partition("/")
    return host != socket.gethostname() or (pid.isdigit() and _started(int(pid)) == started != "")
