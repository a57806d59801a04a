"""A C extension builds against the moved tree, imports, and NEEDs no libpython."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.extending import judge
from workers.verify.facts import Built
from workers.verify.probe import SCRATCH, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """With the compiler, flags and folders that sysconfig tells, as setuptools does it."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    argv = [python, script("extension.py"), script("extension.c"), f"{SCRATCH}/extension"]
    yield from judge(ask(subject.in_builder, argv, Built), "a C extension")
