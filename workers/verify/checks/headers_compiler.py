"""Builds of extensions are told of the compiler that machines have, whichever compiled Python (compilers.toml)."""

from __future__ import annotations

import posixpath
import re
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from farm.errors import BuildFailed
from workers.build.relocate import sysconfig_values
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_HINT = "a row of scrub.toml drops or renames words of sysconfig, one of environment.toml may keep configure from saying them"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Program(_Row):
    variables: tuple[str, ...]
    programs: tuple[str, ...]
    why: str


class _Hidden(_Row):
    pattern: str
    but: tuple[str, ...]
    why: str


class _Rows(_Row):
    program: tuple[_Program, ...]
    hidden: tuple[_Hidden, ...]


@cache
def _rows() -> _Rows:
    return _Rows.model_validate(tomllib.loads((resources.files("workers.verify") / "compilers.toml").read_text("utf-8")))


def look(subject: Subject) -> Iterator[Finding]:
    """The programs that sysconfig names, all its values, and the text of python3-config."""
    for path in sorted(subject.library.glob("_sysconfigdata*.py")):
        name = path.relative_to(subject.tree).as_posix()
        try:
            values = {key: str(value) for key, value in sysconfig_values(path.read_text("utf-8", "replace")).items()}
        except BuildFailed:
            continue  # headers.sysconfig says so
        yield from _programs(values, name)
        yield from _hidden(values, name)
    for path in sorted(subject.tree.glob("bin/*-config")):
        lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
        yield from _hidden({f"line {at}": line for at, line in enumerate(lines, 1)}, path.relative_to(subject.tree).as_posix())


def _programs(values: Mapping[str, str], file: str) -> Iterator[Finding]:
    for row in _rows().program:
        for variable in row.variables:
            first = next(iter(values.get(variable, "").split()), "")
            if first and posixpath.basename(first) not in row.programs:
                yield error(f"{variable} is {first}, which is none of {', '.join(row.programs)}", file=file, hint=_HINT)


def _hidden(values: Mapping[str, str], file: str) -> Iterator[Finding]:
    for row in _rows().hidden:
        for name, value in values.items():
            if name not in row.but and (found := re.search(row.pattern, value)):
                yield error(f"{name} names {found[0]}: '{value.strip()[:120]}'", file=file, hint=_HINT)
