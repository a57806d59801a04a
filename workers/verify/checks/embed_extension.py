"""What was built for the interpreter works in a program that embeds it, too: there libpython has the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.extending import embedded, judge
from workers.verify.facts import Built
from workers.verify.probe import SCRATCH, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """One that is built as setuptools does it."""
    python, folder = f"{subject.builder_root}/bin/{subject.build.executable}", f"{SCRATCH}/extension to embed"
    built = ask(subject.in_builder, [python, script("extension.py"), script("extension.c"), folder], Built)
    yield from judge(built, "a C extension")
    yield from embedded(subject, built, "a C extension that the interpreter imports")
