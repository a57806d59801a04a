"""The executable has the interpreter linked in: it NEEDs no libpython."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_PASSES = "the static pass of the dual build was not laid over the shared one"


def look(subject: Subject) -> Iterator[Finding]:
    """Its NEEDED entries, and those of the extension modules, which must find their symbols in the executable."""
    executable = f"bin/{subject.build.executable}"
    if all(elf.path != executable for elf in subject.elf.elves):
        yield error(
            "the executable is no ELF file, or not there",
            file=executable,
            hint="see whether `make install` went through, and what trim.toml takes away",
        )
    for elf in subject.elf.elves:
        wanted = [name for name in elf.needed if name.startswith("libpython")]
        if wanted and (elf.path == executable or elf.path.startswith(f"lib/{subject.build.lib}/")):
            hint = _PASSES if elf.path == executable else "LDSHARED and LIBPYTHON of the Makefile must not say -lpython"
            yield error(f"it NEEDs {', '.join(wanted)}", file=elf.path, hint=hint)
