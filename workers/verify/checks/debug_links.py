"""A debugger can find the debug information of every binary: a build id, and a well-formed debuglink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import shared_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """.note.gnu.build-id and .gnu_debuglink; whoever keeps the debug information inside needs no link."""
    elves = subject.elf.elves
    hint = "link with -Wl,--build-id"
    yield from shared_by("it has no build id", [elf.path for elf in elves if not elf.build_id], hint=hint)
    yield from shared_by(
        "its debuglink is broken",
        [elf.path for elf in elves if elf.debuglink == ""],
        hint="see the step `split debug` in the log: objcopy --add-gnu-debuglink writes it",
    )
    bare = [elf.path for elf in elves if elf.debuglink is None and not elf.debug_sections]
    yield from shared_by(
        "it has neither debug information nor a debuglink", bare, severity="warning", hint="see `strip` of the cell"
    )
