"""At a path far longer than the build prefix, with all that shells, make and sysconfig take for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Places
from workers.verify.findings import quoted
from workers.verify.places import judge
from workers.verify.probe import SCRATCH, ProbeFailed, ask, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

PLACE = f"{SCRATCH}/{'/'.join(['a long name ' * 12] * 3)}/o'clock 50% #1/python"


def look(subject: Subject) -> Iterator[Finding]:
    """Whoever patches paths into binaries has no room here."""
    copied = run(subject.in_runtime, ["sh", "-c", 'mkdir -p "${1%/*}" && cp -R "$0" "$1"', subject.root, PLACE])
    if not copied.ok:
        raise ProbeFailed(f"the tree cannot be copied to a long path: {quoted(copied.output)}")
    python = f"{PLACE}/bin/{subject.build.executable}"
    yield from judge(ask(subject.in_runtime, [python, script("places.py")], Places), PLACE)
