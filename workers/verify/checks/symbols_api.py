"""Executable and libpython offer the C API, and the initialisers of every module that is linked into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import api, initialisers
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_SHOWN = 8


def look(subject: Subject) -> Iterator[Finding]:
    """Extension modules find the API in the executable, embedders in libpython; both look modules up by their initialisers."""
    wanted = [*api(), *initialisers(subject.build.modules.builtin, subject.version)]
    for path in (f"bin/{subject.build.executable}", f"lib/{subject.build.soname}"):
        found = subject.symbols.get(path)
        lacking = [name for name in wanted if name not in found.exported] if found else wanted
        if lacking:
            rest = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
            hint = "the executable is linked with -Wl,--export-dynamic (LINKFORSHARED); strip only debug information"
            yield error(f"it does not export {', '.join(lacking[:_SHOWN])}{rest}", file=path, hint=hint)
