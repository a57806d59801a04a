"""No binary exports symbols of other libraries: whoever loads it beside the real library would get the wrong ones."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from workers.verify.checks.linkage_private import FOLDER
from workers.verify.expected import foreign, own
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_SHOWN = 6


def look(subject: Subject) -> Iterator[Finding]:
    """Known names of known libraries in any file; and where CPython hides its own, everything that is not CPython's.

    A library of our own exports what it is for; that it takes nobody's place, `linkage.private` sees to.
    """
    ours, theirs = own(subject.version), foreign()
    for path, found in sorted(subject.symbols.items()):
        if path.startswith(FOLDER + "/"):
            continue
        names = sorted(found.exported)
        known = [name for name in names if any(fnmatchcase(name, pattern) for pattern in theirs)]
        strange = [name for name in names if ours and not any(fnmatchcase(name, pattern) for pattern in ours)]
        if shown := known or strange:
            rest = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
            hint = "link with -Wl,--exclude-libs,ALL, or add a row [[own]] with the reason"
            yield error(f"it exports {', '.join(shown[:_SHOWN])}{rest}", file=path, hint=hint)
