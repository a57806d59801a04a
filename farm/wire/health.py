"""What `farm doctor` found about one thing that a host needs; the build wing hands its part over as these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from farm.wire.messages import Message

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
