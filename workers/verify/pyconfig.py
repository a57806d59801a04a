"""What configure found out about the machine, `pyconfig.h`, against what it found where its probes are known to work.

Probes can fail without a word: on a compiler that refuses their old C, or where no program of the cell's arch runs. The
baselines are texts in `pyconfig/`, by series and arch; differences that must be are rows of `pyconfig.toml`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from farm.plan.scope import Numbers, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from farm.store.artifact import BuildInfo

_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(?P<name>\w+)(?:[ \t]+(?P<value>.*?))?[ \t]*$", re.MULTILINE)
_FOLDER = "pyconfig"


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


def baseline(series: str, arch: str) -> dict[str, str] | None:
    """What configure found where its probes work; None when there is no text for these."""
    file = resources.files("workers.verify") / _FOLDER / f"{series}-{arch}.txt"
    if not file.is_file():
        return None
    lines = [line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[Difference]:
    """All, by name."""
    names = sorted({*here, *there})
    found = (Difference(name, here.get(name), there.get(name)) for name in names)
    return [one for one in found if one.here != one.baseline]


def rows(build: BuildInfo, version: Numbers) -> Iterator[DifferenceRow]:
    """The rows that hold for a Python."""
    for row in _rows():
        if (
            row.spans(version)
            and (not row.distros or build.distro in row.distros)
            and (not row.arches or build.arch in row.arches)
            and (not row.variants or build.variant in row.variants)
        ):
            yield row


@cache
def _rows() -> tuple[DifferenceRow, ...]:
    text = (resources.files("workers.verify") / "pyconfig.toml").read_text("utf-8")
    return _Rows.model_validate(tomllib.loads(text)).row
