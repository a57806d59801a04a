"""pip builds an sdist of a C extension with setuptools, in an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.extending import build, embedded, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """As most of the package index is built."""
    built = build(subject, "setuptools")
    yield from judge(built, "an extension by way of setuptools")
    yield from embedded(subject, built, "an extension that pip built and installed")
