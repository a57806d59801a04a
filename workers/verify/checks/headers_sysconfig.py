"""What builds of extensions read in sysconfig speaks of the cell's own machine, as a build on such a machine does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.errors import BuildFailed
from farm.plan.facts import load_facts
from workers.build.relocate import sysconfig_values
from workers.verify import baselines
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_UNREAD = "the file must be as CPython writes it, but for the code of the relocate step behind it"


def look(subject: Subject) -> Iterator[Finding]:
    """No value names another arch; and those that the baseline has are its own, but for rows that say why."""
    there = baselines.baseline("sysconfig", subject.build)
    for path in sorted(subject.library.glob("_sysconfigdata*.py")):
        name = path.relative_to(subject.tree).as_posix()
        try:
            values = sysconfig_values(path.read_text("utf-8", "replace"))
        except BuildFailed as problem:
            yield error(problem.message, file=name, hint=problem.hint or _UNREAD)
            continue
        told = {key: " ".join(str(value).split()) for key, value in values.items()}
        yield from _others(subject, told, name)
        if there is not None:
            found = {key: value for key, value in told.items() if key in there}
            yield from baselines.judge("sysconfig", subject, found, there, name)


def _others(subject: Subject, told: Mapping[str, str], file: str) -> Iterator[Finding]:
    """The values that name a machine that is not the cell's."""
    arches = load_facts(subject.overlay).arches
    cpus = {row.cpu for arch, row in arches.items() if arch != subject.build.arch}
    for name, value in told.items():
        if named := sorted(cpu for cpu in cpus if cpu in value):
            hint = "see sysconfig in the rows of cross.toml"
            yield error(f"{name} names {named[0]}, and the cell is for {subject.build.arch}: '{value}'", file=file, hint=hint)
