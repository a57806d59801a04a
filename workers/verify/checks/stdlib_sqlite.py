"""sqlite3 loads an extension while it is allowed to, as SpatiaLite and sqlite-vec need it, and none once that is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.embedding import compiled
from workers.verify.facts import Loaded
from workers.verify.findings import error
from workers.verify.probe import ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_ANSWER = "42"
_HINT = "see sqlite-extensions in configure.toml; the distro's SQLite may be built without loading, too"


def look(subject: Subject) -> Iterator[Finding]:
    """In the builder image, which has a compiler and SQLite's headers."""
    path = compiled(subject, "sqlite_extension.c", "extension of sqlite.so", "-shared -fPIC", embeds=False)
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    loaded = ask(subject.in_builder, [python, script("loading.py"), path], Loaded)
    if loaded.answer != _ANSWER:
        yield error(f"an extension that SQLite loaded says '{loaded.answer}', and not {_ANSWER}", hint=_HINT)
    if not loaded.refused:
        yield error("SQLite loads an extension though loading was switched off", hint=_HINT)
