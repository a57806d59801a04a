"""The loader finds every library in the pristine image with the declared packages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers.verify.facts import Linked
from workers.verify.findings import error
from workers.verify.probe import ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """`ldd` over every ELF file; libraries of optional packages may be missing."""
    paths = [f"{subject.root}/{elf.path}" for elf in subject.elf.elves]
    missing = ask(subject.in_runtime, [subject.python, script("linked.py"), json.dumps(paths)], Linked).missing
    for path, sonames in sorted(missing.items()):
        lacking = sorted(set(sonames) - subject.optional_sonames)
        if lacking:
            yield error(
                f"the loader does not find {', '.join(lacking)}",
                file=path.removeprefix(subject.root + "/"),
                hint="declare the package that has it, or give the file a run path that begins with $ORIGIN",
            )
