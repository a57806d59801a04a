"""With every extension module imported, no libpython is in the process: nothing loads the interpreter a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """The process's own memory map, from outside the reach of NEEDED entries: dlopen shows here too."""
    mapped = subject.imports.mapped
    for path in mapped:
        if "/libpython" in path:
            yield error(
                f"{path} is loaded once every module is imported",
                file=path.removeprefix(subject.root + "/"),
                hint="see linkage.policy for the file that NEEDs it; its LDSHARED must not say -lpython",
            )
    if not any(path.startswith(subject.root + "/bin/") for path in mapped):
        yield error(
            f"the process does not map its executable of {subject.root}/bin: another Python answered",
            hint="see moved.scripts and moved.symlink: something starts another Python",
        )
    if not any("/lib-dynload/" in path for path in mapped) and subject.build.modules.shared:
        yield error("no extension module is mapped, so this check saw nothing", hint="see modules.import")
