"""What configure found out is what it finds where its probes are known to work, but for rows that say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify import pyconfig
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_HINT = "answer the probe (environment.toml, cross.toml), or say in a row of verify/pyconfig.toml why it must be so"


def look(subject: Subject) -> Iterator[Finding]:
    """Every name of pyconfig.h; a row must match its difference exactly, and one that matches nothing is an error, too."""
    build = subject.build
    there = pyconfig.baseline(build.series, build.arch)
    header = subject.tree / "include" / f"python{build.series}{build.abiflags}" / "pyconfig.h"
    if there is None:
        return
    if not header.is_file():
        yield error("there is no pyconfig.h", file=header.relative_to(subject.tree).as_posix())
        return
    name = header.relative_to(subject.tree).as_posix()
    found = pyconfig.differences(pyconfig.read(header.read_text("utf-8", "replace")), there)
    rows = {(row.name, row.here, row.baseline): row for row in pyconfig.rows(build, subject.version)}
    for one in found:
        if rows.pop((one.name, one.here, one.baseline), None) is None:
            yield error(
                f"{one.name} is {_told(one.here)}, and {_told(one.baseline)} where configure's probes work",
                file=name,
                hint=_HINT,
            )
    for row in rows.values():
        message = f"a row says that {row.name} is {_told(row.here)}, and {_told(row.baseline)} elsewhere, and it is not so"
        yield error(message, file=name, hint="correct or remove the row in verify/pyconfig.toml")


def _told(value: str | None) -> str:
    return "not defined" if value is None else f"defined as {value}" if value else "defined"
