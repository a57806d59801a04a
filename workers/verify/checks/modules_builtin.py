"""The modules linked into the interpreter are exactly those that are expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """sys.builtin_module_names against the list, both ways."""
    builtin, expected = set(subject.imports.builtin), set(subject.build.modules.builtin)
    for name in sorted(expected - builtin):
        yield error(f"module {name} is not linked into the interpreter", hint="see the static pass in the log")
    for name in sorted(builtin - expected):
        yield error(
            f"module {name} is linked into the interpreter and nobody expected it", hint="add it to the rows with a reason"
        )
