"""A C extension builds with nothing but the flags that pythonX-config prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import names_of
from workers.verify.extending import judge
from workers.verify.facts import Built
from workers.verify.probe import SCRATCH, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """`cc -shared $(python3-config --cflags)`, as Makefiles by hand have it."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    config = f"{subject.builder_root}/bin/{names_of(subject.build).config.split()[0]}"
    argv = [python, script("extension.py"), script("extension.c"), f"{SCRATCH}/config extension", config]
    yield from judge(ask(subject.in_builder, argv, Built), "a C extension by python-config", f"see {config} --cflags")
