"""pip builds an extension in C and one in C++ with meson-python, in an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.extending import extend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """meson asks sysconfig and pkg-config where things are."""
    yield from extend(subject, "meson")
