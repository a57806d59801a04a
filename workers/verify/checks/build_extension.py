"""A C extension builds against the moved tree, imports, and NEEDs no libpython."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Built
from workers.verify.findings import error
from workers.verify.probe import SCRATCH, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """With the compiler, flags and folders that sysconfig tells, as setuptools does it."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    built = ask(subject.in_builder, [python, script("extension.py"), script("extension.c"), f"{SCRATCH}/extension"], Built)
    if built.error:
        yield error(
            f"building a C extension fails at the step '{built.step}': {built.error}",
            hint="see CC, CFLAGS, LDSHARED in sysconfig",
        )
    for soname in built.needed:
        if soname.startswith("libpython"):
            yield error(f"an extension built against it NEEDs {soname}: importing it loads the interpreter a second time")
