"""Embedders find libpython: the file with its SONAME, and the link that the linker follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """lib/libpythonX.Y.so.1.0 and lib/libpythonX.Y.so."""
    soname = subject.build.soname
    library = next((elf for elf in subject.elf.elves if elf.path == f"lib/{soname}"), None)
    if library is None:
        yield error(
            "libpython is not there: nothing can embed this Python",
            file=f"lib/{soname}",
            hint="configure --enable-shared makes it: see the shared build in the log",
        )
    elif library.soname != soname:
        yield error(
            f"its SONAME is '{library.soname}', and not {soname}",
            file=f"lib/{soname}",
            hint="see INSTSONAME in the Makefile of the shared build",
        )
    link = f"lib/{soname.partition('.so')[0]}.so"
    path = subject.tree / link
    if not path.is_symlink() or str(path.readlink()) != soname:
        yield error(
            f"it is no link to {soname}: '-l' of a linker finds nothing, or another file",
            file=link,
            hint="`make install` makes the link: see the step `install` in the log, and the rows of trim.toml",
        )
