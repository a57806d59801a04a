"""After a plain move, sysconfig speaks of the new place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Places
from workers.verify.places import judge
from workers.verify.probe import ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """From a path with a space and a letter beyond ASCII."""
    places = ask(subject.in_runtime, [subject.python, script("places.py")], Places)
    yield from judge(places, subject.root)
