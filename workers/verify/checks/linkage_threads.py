"""Libpython finds its thread's state as fast as the executable does, and can be opened by a program that already runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import thread_local
from workers.verify.findings import error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """The segment of thread-local variables, and how code gets at them: the state is such a variable since 3.12."""
    path = f"lib/{subject.build.soname}"
    library = next((elf for elf in subject.elf.elves if elf.path == path), None)
    wanted = thread_local(subject.build.distro)
    if library is None or wanted is None or not library.thread_local:
        return
    if library.thread_local_fixed and not wanted.fixed:
        yield error(
            "its thread-local variables lie at a fixed offset: this libc opens no such library in a program that runs",
            file=path,
            hint="the row of flags.toml that asks for it is not for this distro",
        )
    elif not library.thread_local_fixed and wanted.fixed:
        yield warning(
            "each look at the thread's state is a call of the loader's function: what embeds it is slower than the executable",
            file=path,
            hint="-ftls-model=initial-exec of flags.toml did not reach the compiler",
        )
    elif wanted.fixed and library.thread_local > wanted.most:
        yield error(
            f"its thread-local variables take {library.thread_local} bytes at a fixed offset, and may take {wanted.most}: glibc"
            " keeps little room for what is opened later",
            file=path,
            hint="take -ftls-model=initial-exec of flags.toml back for this version",
        )
