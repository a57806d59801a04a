"""Extensions in C and in C++ build with what python-config prints, and nothing else."""

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

_SOURCES = {"C": "extension.c", "C++": "extension.cpp"}


def look(subject: Subject) -> Iterator[Finding]:
    """`cc -shared $(python3-config --cflags)`, as Makefiles by hand have it."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    config = f"{subject.builder_root}/bin/{names_of(subject.build).config.split()[0]}"
    for language, source in _SOURCES.items():
        argv = [python, script("extension.py"), script(source), f"{SCRATCH}/config {source}", config]
        what = f"an extension in {language} by python-config"
        yield from judge(ask(subject.in_builder, argv, Built), what, f"see {config} --cflags")
