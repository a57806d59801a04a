"""The loader finds every library, in every version it wants, in the pristine image with the declared packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """`ldd` over every ELF file; libraries of optional packages may be missing. Whatever else it says is an error."""
    optional = subject.optional_sonames
    for elf in subject.elf.elves:
        told = subject.linked.files.get(f"{subject.root}/{elf.path}")
        if told is None:
            yield error(
                "the loader was not asked about it", file=elf.path, hint="see probes/linked.py: its answer lacks the file"
            )
            continue
        if lacking := sorted(set(told.missing) - optional):
            hint = "declare the package that has it, or give the file a run path that begins with $ORIGIN"
            yield error(f"the loader does not find {', '.join(lacking)}", file=elf.path, hint=hint)
        if told.complaints:
            hint = "a library of the image is older than what it was linked with, or the file is damaged"
            yield error(f"the loader refuses it: {quoted(chr(10).join(told.complaints))}", file=elf.path, hint=hint)
        elif unsaid := sorted(set(elf.needed) - set(told.found) - set(told.missing)):
            yield error(
                f"it NEEDs {', '.join(unsaid)}, and the loader says nothing of that",
                file=elf.path,
                hint="see `ldd` of the file in the run-time image",
            )
