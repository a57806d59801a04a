"""A C program embeds the moved Python with the flags of pkg-config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.embedding import embed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """`pkg-config --cflags --libs python-X.Y-embed`, with nothing set but where the .pc files are."""
    name = f"python-{subject.build.series}{subject.build.abiflags}-embed"
    env = {"PKG_CONFIG_PATH": f"{subject.builder_root}/lib/pkgconfig"}
    yield from embed(subject, "pkgconfig", [f"pkg-config --cflags --libs {name}"], env)
