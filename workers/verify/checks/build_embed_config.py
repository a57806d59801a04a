"""A C program embeds the moved Python with the flags of pythonX-config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.embedding import embed
from workers.verify.expected import names_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """`python3-config --embed --cflags`, then `--ldflags`, as its own manual says; before 3.8 without `--embed`."""
    config = f"{subject.builder_root}/bin/{names_of(subject.build).config}"
    yield from embed(subject, "config", [f"{config} --cflags", f"{config} --ldflags"], {})
