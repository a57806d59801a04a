"""Started without site, environment or user folders, the interpreter still finds itself: -I, -S, -E and all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.checks.moved_symlink import ADVICE, problem
from workers.verify.findings import error
from workers.verify.probe import script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.plan.scope import Numbers
    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_STARTS: tuple[tuple[tuple[str, ...], Numbers], ...] = (
    (("-S",), (2, 7, 0)),
    (("-E",), (2, 7, 0)),
    (("-s", "-S", "-E"), (2, 7, 0)),
    (("-I",), (3, 4, 0)),
    (("-I", "-S", "-E"), (3, 4, 0)),
)
_STRANGERS = {"PYTHONPATH": "/nowhere", "PYTHONSTARTUP": "/nowhere/start.py"}


def look(subject: Subject) -> Iterator[Finding]:
    """In an environment that some deployments have: another Python's PYTHONPATH."""
    for options, since in _STARTS:
        argv = [subject.python, *options, script("whoami.py")]
        if subject.version >= since and (found := problem(subject, argv, _STRANGERS)):
            yield error(
                f"started with {' '.join(options)}, {found}",
                file=f"bin/{subject.build.executable}",
                hint=ADVICE,
            )
