"""Run paths begin with $ORIGIN and stay inside the tree."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_ORIGINS = ("$ORIGIN", "${ORIGIN}")


def look(subject: Subject) -> Iterator[Finding]:
    """DT_RPATH and DT_RUNPATH of every file, entry by entry."""
    for elf in subject.elf.elves:
        for entry in elf.runpath:
            if problem := _problem(entry, posixpath.dirname(elf.path)):
                yield error(
                    f"its run path has '{entry}', {problem}",
                    file=elf.path,
                    hint="only $ORIGIN/… inside the tree may stand there",
                )


def _problem(entry: str, folder: str) -> str:
    origin = next((origin for origin in _ORIGINS if entry == origin or entry.startswith(origin + "/")), None)
    if origin is None:
        return "which is the working folder" if not entry else "which is not relative to the file"
    target = posixpath.normpath(posixpath.join(folder, "." + entry.removeprefix(origin)))
    return "which leads outside the tree" if target == ".." or target.startswith("../") else ""
