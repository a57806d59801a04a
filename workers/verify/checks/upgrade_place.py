"""Unpacked over the build before it, it is this build, and all of it imports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers.verify.checks.modules_import import excused
from workers.verify.facts import Imports
from workers.verify.findings import error, seen
from workers.verify.probe import ask, script
from workers.verify.upgrading import install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """With the old one's bytecode lying about; what only the old one had stays, and is told."""
    root = install(subject, subject.before.archive, "upgraded")
    install(subject, subject.archive, "upgraded")
    modules = subject.build.modules
    names = json.dumps(sorted({*modules.stdlib, *modules.shared}))
    imports = ask(subject.in_runtime, [f"{root}/bin/{subject.build.executable}", script("imports.py"), names], Imports)
    if imports.version != subject.build.python:
        yield error(
            f"unpacked over the build before, it says that it is {imports.version}",
            hint="files of the old build win: see which of both archives has them with the same path",
        )
    for name, failure in sorted(imports.failures.items()):
        if not excused(name, failure, subject):
            yield error(
                f"unpacked over the build before, module {name} does not import: {failure.message}",
                hint="a module of the old build shadows the new one: see what both archives have of it",
            )
    left = sorted(_files(subject.before.tree) - _files(subject.tree))
    if left:
        message = f"{len(left)} files of the build before stay when this one is unpacked over it: {', '.join(left[:4])}"
        yield seen("note", message, hint="unpack it beside, and turn a link; or delete the old tree first")


def _files(tree: Path) -> set[str]:
    return {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file() or path.is_symlink()}
