"""PYTHONHOME does what it does for the distro's own Python, and nothing where it must be ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.checks.moved_symlink import problem
from workers.verify.findings import error
from workers.verify.probe import SCRATCH, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.plan.scope import Numbers
    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_IGNORING: tuple[tuple[str, Numbers], ...] = (("-E", (2, 7, 0)), ("-I", (3, 4, 0)))

_HINT = "our patches embed-prefix-* ask where the executable lies only when there is no PYTHONHOME: see getpath there"


def look(subject: Subject) -> Iterator[Finding]:
    """A home that is one is believed, one that is none stops the start, and -E and -I look at neither."""
    file, probe = f"bin/{subject.build.executable}", script("whoami.py")
    home, nowhere = f"{SCRATCH}/another home", ["env", "PYTHONHOME=/nowhere/home", subject.python]
    run(subject.in_runtime, ["ln", "-sfn", subject.root, home])
    if found := problem(subject, ["env", f"PYTHONHOME={home}", subject.python, probe], {}, home):
        yield error(f"with PYTHONHOME={home}, {found}", file=file, hint=_HINT)
    if run(subject.in_runtime, [*nowhere, probe]).ok:
        yield error("with a PYTHONHOME that is none it starts, as if nobody had set it", file=file, hint=_HINT)
    for option, since in _IGNORING:
        if subject.version >= since and (found := problem(subject, [*nowhere, option, probe], {})):
            yield error(f"with a PYTHONHOME that is none and {option}, {found}", file=file, hint=_HINT)
