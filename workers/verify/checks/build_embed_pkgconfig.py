"""A C program embeds the moved Python with the flags of pkg-config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.embedding import embed
from workers.verify.expected import names_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """`pkg-config --cflags --libs python-X.Y-embed` (before 3.8 `python-X.Y`), with nothing set but where the .pc files are."""
    name = names_of(subject.build).pkgconfig
    env = {"PKG_CONFIG_PATH": f"{subject.builder_root}/lib/pkgconfig"}
    yield from embed(subject, "pkgconfig", [f"pkg-config --cflags --libs {name}"], env)
