"""What `farm doctor` found about one thing that a host needs; the build wing hands its part over as these."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import TypeAdapter

from farm.wire.messages import Message

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
Grade = Literal["ok", "warning", "error", "skipped"]


class Health(Message):
    """One check: its id, how it stands, what was seen, and what to do about it ('' when nothing)."""

    check: str
    grade: Grade
    seen: str
    todo: str = ""


@dataclass(frozen=True)
class Vitals:
    """What a Redis server says of itself. `time` is its clock (epoch seconds); `eviction` is '' for who may not ask."""

    name: str
    version: str
    aof: bool
    eviction: str
    time: float


HEALTHS: TypeAdapter[list[Health]] = TypeAdapter(list[Health])


def fine(check: str, seen: str) -> Health:
    """All is well."""
    return Health(check=check, grade="ok", seen=seen)


def wrong(check: str, seen: str, todo: str) -> Health:
    """The farm does not work like this."""
    return Health(check=check, grade="error", seen=seen, todo=todo)


def doubtful(check: str, seen: str, todo: str) -> Health:
    """It works, and will hurt some day."""
    return Health(check=check, grade="warning", seen=seen, todo=todo)


def skipped(check: str, why: str) -> Health:
    """Not looked at, and why."""
    return Health(check=check, grade="skipped", seen=why)


def disk(check: str, folder: Path, wanted_gb: float, otherwise: str) -> Health:
    """Whether a folder, which need not be there yet, can be written and has room; `otherwise` says what helps but room."""
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    free = shutil.disk_usage(there).free / GIB
    said = f"{free:.0f} GiB are free in {there}, and {wanted_gb:.0f} are wanted"
    if not os.access(there, os.W_OK):
        return wrong(check, f"{there} cannot be written", f"let this user write there; {otherwise}")
    if free < wanted_gb / 2:
        return wrong(check, said, f"free some; {otherwise}")
    return doubtful(check, said, f"free some before work fails; {otherwise}") if free < wanted_gb else fine(check, said)
