"""The standard library behaves as programs expect of it: TLS of one's own, FTS5, dbm, spawn, a terminal, time zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Behaviour
from workers.verify.findings import error, seen
from workers.verify.probe import PROBES, SCRATCH, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Each trial of the probe, in the pristine image."""
    told = ask(subject.in_runtime, [subject.python, script("behaviour.py"), PROBES, SCRATCH], Behaviour)
    if not told.results:
        yield error("no trial was made", hint="see probes/behaviour.py: its answer names none")
    for name, problem in sorted(told.results.items()):
        if problem:
            yield error(
                f"{name.replace('_', ' ')}: {problem}",
                hint="see the trial of that name in probes/behaviour.py, and the module's packages in capabilities.toml",
            )
    for name, lack in sorted(told.absent.items()):
        yield seen("note", f"{name.replace('_', ' ')}: not tried to the end, {lack}")
