"""What configure found out is what it finds where its probes are known to work, but for rows that say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify import baselines
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Every name of pyconfig.h."""
    build = subject.build
    there = baselines.baseline("pyconfig", build)
    header = subject.tree / "include" / f"python{build.series}{build.abiflags}" / "pyconfig.h"
    if there is None:
        return
    name = header.relative_to(subject.tree).as_posix()
    if not header.is_file():
        yield error(
            "there is no pyconfig.h", file=name, hint="`make install` puts it there: see whether trim.toml takes it away"
        )
        return
    found = baselines.read(header.read_text("utf-8", "replace"))
    yield from baselines.judge("pyconfig", subject, found, there, name)
