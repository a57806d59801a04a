"""No binary wants a newer glibc than the distro has, and the metadata says what they want: users elsewhere go by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import libc_version
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """The versions of symbols that each file wants."""
    wanted = {path: found.glibc for path, found in subject.symbols.items() if found.glibc}
    has = libc_version(subject.build.distro)
    for path, version in sorted(wanted.items()):
        if has and version > has:
            hint = "it was built on another distro, or with another sysroot"
            yield error(f"it wants glibc {_text(version)}, and {subject.build.distro} has {_text(has)}", file=path, hint=hint)
    highest = max(wanted.values(), default=())
    said = tuple(int(part) for part in subject.build.elf.glibc.split(".") if part.isdigit())
    if highest > said:  # it may say more, for the sake of the tests archive
        yield error(
            f"the highest version that is wanted is '{_text(highest)}', and the metadata says '{_text(said)}'",
            hint="the metadata is written after the last step: was a file changed since?",
        )


def _text(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
