"""Executable and libpython offer the same C API: an extension that imports in one imports in the other."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from workers.verify.expected import one_sided
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_SHOWN = 8


def look(subject: Subject) -> Iterator[Finding]:
    """The exported symbols of both, without those that a row explains."""
    executable, library = f"bin/{subject.build.executable}", f"lib/{subject.build.soname}"
    if executable not in subject.symbols or library not in subject.symbols:
        yield error(
            "executable or libpython is not there, so nothing was compared", hint="see linkage.executable and linkage.libpython"
        )
        return
    excused = one_sided(subject.version)
    for here, there in ((executable, library), (library, executable)):
        alone = sorted(subject.symbols[here].exported - subject.symbols[there].exported)
        alone = [name for name in alone if not any(fnmatchcase(name, pattern) for pattern in excused)]
        if alone:
            rest = f" and {len(alone) - _SHOWN} more" if len(alone) > _SHOWN else ""
            hint = "the two passes were configured differently; or a row [[one_sided]] says why it must be so"
            yield error(f"it exports {', '.join(alone[:_SHOWN])}{rest}, and {there} does not", file=here, hint=hint)
