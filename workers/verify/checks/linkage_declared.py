"""Every library that is NEEDED is in the archive, in libc, or of a declared package; every required package is needed."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from workers.verify.expected import is_libc
from workers.verify.findings import error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.elf import Elf
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Both ways: what the ELF files say against what the facts declare."""
    inside = {elf.soname or posixpath.basename(elf.path) for elf in subject.elf.elves}
    needs: dict[str, list[Elf]] = {}
    for elf in subject.elf.elves:
        for soname in elf.needed:
            if soname not in inside and not is_libc(soname):
                needs.setdefault(soname, []).append(elf)
    declared = {soname for package in subject.build.runtime for soname in package.sonames}
    for soname in sorted(set(needs) - declared):
        by = ", ".join(elf.path for elf in needs[soname][:4])
        hint = "declare the package that has it in the facts of the distro"
        yield error(
            f"{soname} is NEEDED and no declared run-time package has it", file=needs[soname][0].path, hint=f"{hint}; by {by}"
        )
    yield from _unneeded(subject, set(needs))
    yield from _users(subject, needs)


def _unneeded(subject: Subject, needed: set[str]) -> Iterator[Finding]:
    for package in subject.build.runtime:
        for soname in package.sonames:
            if soname not in needed and not package.optional and not is_libc(soname):
                hint = "remove it from the facts of the distro"
                yield error(f"package {package.name} is declared for {soname}, which nothing NEEDs", hint=hint)


def _users(subject: Subject, needs: dict[str, list[Elf]]) -> Iterator[Finding]:
    """Users read which module needs which package in the metadata, so it must be true."""
    for package in subject.build.runtime:
        users = {_module(elf.path, subject) for soname in package.sonames for elf in needs.get(soname, [])}
        if package.sonames and users and users != set(package.modules):
            said = ", ".join(module or "the interpreter" for module in sorted(package.modules)) or "nothing"
            true = ", ".join(module or "the interpreter" for module in sorted(users))
            yield warning(
                f"package {package.name} is declared for {said}; it is needed by {true}",
                hint="see the package's `modules` in the facts of the distro, and modules.toml",
            )


def _module(path: str, subject: Subject) -> str:
    """The extension module that a file is; '' for the interpreter."""
    return posixpath.basename(path).partition(".")[0] if path.startswith(f"lib/{subject.build.lib}/lib-dynload/") else ""
