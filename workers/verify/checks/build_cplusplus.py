"""pip builds an sdist of a C++ extension with setuptools, in an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.extending import extend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """With the standard library of C++, which the linker has to find."""
    yield from extend(subject, "c++")
