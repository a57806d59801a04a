"""A C program embeds the moved Python with the flags of python3-config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.embedding import embed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """`python3-config --embed --cflags`, then `--ldflags`: as its own manual says."""
    config = f"{subject.builder_root}/bin/python3-config --embed"
    yield from embed(subject, "config", [f"{config} --cflags", f"{config} --ldflags"], {})
