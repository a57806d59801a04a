"""The standard library behaves as programs expect of it: TLS of one's own, FTS5, dbm, spawn, a terminal, time zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Behaviour
from workers.verify.findings import error
from workers.verify.probe import PROBES, SCRATCH, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Each trial of the probe, in the pristine image."""
    results = ask(subject.in_runtime, [subject.python, script("behaviour.py"), PROBES, SCRATCH], Behaviour).results
    if not results:
        yield error("no trial was made", hint="see probes/behaviour.py: its answer names none")
    for name, problem in sorted(results.items()):
        if problem:
            yield error(
                f"{name.replace('_', ' ')}: {problem}",
                hint="see the trial of that name in probes/behaviour.py, and the module's packages in capabilities.toml",
            )
