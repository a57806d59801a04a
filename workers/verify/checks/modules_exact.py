"""The extension modules are exactly those that the source's own lists and our rows say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """lib-dynload against the list: both what is missing and what is too many."""
    folder = f"lib/{subject.build.lib}/lib-dynload"
    files = {path.name.partition(".")[0]: path.name for path in (subject.tree / folder).glob("*.so")}
    expected = set(subject.build.modules.shared)
    for name in sorted(expected - set(files)):
        hint = "its log says why CPython did not build it; a development package is missing, or a row in the facts"
        yield error(f"extension module {name} is missing", file=folder, hint=hint)
    for name in sorted(set(files) - expected):
        tests = name in subject.build.modules.tests
        hint = (
            "it belongs to the tests archive"
            if tests
            else "nobody expected it: add it to the rows with a reason, or configure it away"
        )
        yield error(f"extension module {name} is one too many", file=f"{folder}/{files[name]}", hint=hint)
