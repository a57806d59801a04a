"""pip builds an sdist of a Cython extension, in an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.extending import extend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Cython makes C of it; its code knows the insides of each Python."""
    yield from extend(subject, "cython")
