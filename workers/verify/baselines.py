"""What configure found out and wrote down, `pyconfig.h` and sysconfig, against what it does where it is known to be right.

Probes can fail without a word: on a compiler that refuses their old C, or where no program of the cell's arch runs. And a cross
build speaks of the machine that built. The baselines are texts in `pyconfig/` and `sysconfig/`, by series, ABI flags and arch;
differences that must be are rows of `pyconfig.toml` and `sysconfig.toml`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from farm.plan.scope import Numbers, Scope
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from farm.store.artifact import BuildInfo, Finding
    from workers.verify.subject import Subject

_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(?P<name>\w+)(?:[ \t]+(?P<value>.*?))?[ \t]*$", re.MULTILINE)
Kind = Literal["pyconfig", "sysconfig"]


class DifferenceRow(Scope):
    """One difference and why it must be; None: it is not defined there."""

    name: Annotated[str, Field(pattern=r"^\w+$")]
    here: str | None = None
    baseline: str | None = None
    why: Annotated[str, Field(min_length=8)]
    link: str = ""


class _Rows(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    row: tuple[DifferenceRow, ...]


@dataclass(frozen=True)
class Difference:
    """A name that is defined in another way, or only in one of both (None: it is not defined)."""

    name: str
    here: str | None
    baseline: str | None


def read(header: str) -> dict[str, str]:
    """The names that a pyconfig.h defines outside of conditions or not, and what as ('' is nothing)."""
    return {found["name"]: found["value"] or "" for found in _DEFINE.finditer(header)}


def baseline(kind: Kind, build: BuildInfo) -> dict[str, str] | None:
    """What configure wrote down where it is right; None when there is no text for this series, ABI and arch."""
    file = resources.files("workers.verify") / kind / f"{build.series}{build.abiflags}-{build.arch}.txt"
    if not file.is_file():
        return None
    lines = [line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[Difference]:
    """All, by name."""
    names = sorted({*here, *there})
    found = (Difference(name, here.get(name), there.get(name)) for name in names)
    return [one for one in found if one.here != one.baseline]


def judge(kind: Kind, subject: Subject, found: Mapping[str, str], there: Mapping[str, str], file: str) -> Iterator[Finding]:
    """Every difference; a row must match its difference exactly, and one that matches nothing is an error, too."""
    expected = {(row.name, row.here, row.baseline): row for row in rows(kind, subject.build, subject.version)}
    for one in differences(found, there):
        if expected.pop((one.name, one.here, one.baseline), None) is None:
            message = f"{one.name} is {_told(one.here)}, and {_told(one.baseline)} where configure is known to be right"
            yield error(message, file=file, hint=_HINT.format(kind=kind))
    for row in expected.values():
        message = f"a row says that {row.name} is {_told(row.here)}, and {_told(row.baseline)} elsewhere, and it is not so"
        yield error(message, file=file, hint=f"correct or remove the row in verify/{kind}.toml")


_HINT = "answer the probe (environment.toml, cross.toml), or say in a row of verify/{kind}.toml why it must be so"


def _told(value: str | None) -> str:
    return "not defined" if value is None else f"defined as {value}" if value else "defined"


def rows(kind: Kind, build: BuildInfo, version: Numbers) -> Iterator[DifferenceRow]:
    """The rows that hold for a Python."""
    for row in _rows(kind):
        if (
            row.spans(version)
            and (not row.distros or build.distro in row.distros)
            and (not row.arches or build.arch in row.arches)
            and (not row.variants or build.variant in row.variants)
        ):
            yield row


@cache
def _rows(kind: Kind) -> tuple[DifferenceRow, ...]:
    text = (resources.files("workers.verify") / f"{kind}.toml").read_text("utf-8")
    return _Rows.model_validate(tomllib.loads(text)).row
