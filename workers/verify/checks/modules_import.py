"""Every module of the standard library imports in the pristine image with the declared packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import elsewhere
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.facts import ImportFailure
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """One process imports them all; a failure is excused by an optional package's library, or by another system's row."""
    for name, failure in sorted(subject.imports.failures.items()):
        if not excused(name, failure, subject):
            kind = failure.kinds[0] if failure.kinds else "something"
            yield error(
                f"module {name} does not import: {kind}: {failure.message}",
                hint="a library, or a file that it needs, is missing",
            )


def excused(name: str, failure: ImportFailure, subject: Subject) -> bool:
    """Whether a failure to import is as it should be."""
    if "ImportError" not in failure.kinds:
        return False
    if name in elsewhere():
        return failure.message == elsewhere()[name]
    return any(soname in failure.message for soname in subject.optional_sonames)
