"""Each binary NEEDs only what it is allowed to: libc, and the libraries of packages that are declared for this very module."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from workers.verify.checks.linkage_private import FOLDER
from workers.verify.expected import allowed, banned, is_libc
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_BANNED = "see the row [[banned]] for why; what configure found decides it: see pyconfig.h"


def look(subject: Subject) -> Iterator[Finding]:
    """File by file: a library that one module may use is one too many for another, and for the interpreter."""
    dynload = f"lib/{subject.build.lib}/lib-dynload/"
    own = {elf.soname for elf in subject.elf.elves if elf.path.startswith(f"{FOLDER}/")}
    for elf in subject.elf.elves:
        if wanted := sorted(subject.symbols[elf.path].wanted & banned()):
            yield error(f"it wants {', '.join(wanted)}, which nothing may call", file=elf.path, hint=_BANNED)
        module = posixpath.basename(elf.path).partition(".")[0] if elf.path.startswith(dynload) else ""
        declared = {soname for package in subject.build.runtime if module in package.modules for soname in package.sonames}
        free = allowed(elf.path, subject.version)
        # Who may load a library of our own is what linkage.private looks at.
        strange = [name for name in elf.needed if not is_libc(name) and name not in declared | own]
        if surplus := [name for name in strange if not any(fnmatchcase(name, pattern) for pattern in free)]:
            whom = f"module {module}" if module else "the interpreter"
            hint = "declare its package for it in the facts of the distro, or add a row [[allowed]] with the reason"
            yield error(f"it NEEDs {', '.join(surplus)}, which nothing allows {whom}", file=elf.path, hint=hint)
