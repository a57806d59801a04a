"""pip installs a manylinux wheel with a C core, which imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.extending import extend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Made on another distro, for any Python of its tags: psutil's core calls a good deal of the API."""
    yield from extend(subject, "manylinux")
