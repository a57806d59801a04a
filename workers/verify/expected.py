"""The rows of `expected.toml`: what every archive may rely on or go without, and what a series calls things."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from farm.plan.scope import Bound
from workers.verify.probe import ProbeFailed

if TYPE_CHECKING:
    from farm.store.artifact import BuildInfo


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    why: str


class _Libc(_Row):
    sonames: tuple[str, ...]


class _Elsewhere(_Row):
    modules: tuple[str, ...]
    says: str = "No module named {module!r}"


class _Era(_Row):
    """A row that holds for some series; both limits are inclusive."""

    since: Bound = ()
    until: Bound = ()

    def holds(self, series: str) -> bool:
        numbers = tuple(int(part) for part in series.split("."))
        return numbers >= self.since and (not self.until or numbers[: len(self.until)] <= self.until)


class _Names(_Era):
    pkgconfig: str
    config: str
    wheel: str


class _Inapplicable(_Era):
    checks: tuple[str, ...]


class _Expected(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    libc: tuple[_Libc, ...]
    elsewhere: tuple[_Elsewhere, ...]
    names: tuple[_Names, ...]
    inapplicable: tuple[_Inapplicable, ...]


@dataclass(frozen=True)
class Names:
    """What a Python calls things: its .pc file for embedders, the command that prints their flags, the tags of its wheels."""

    pkgconfig: str
    config: str
    wheel: str


@cache
def _expected() -> _Expected:
    text = (resources.files("workers.verify") / "expected.toml").read_text("utf-8")
    return _Expected.model_validate(tomllib.loads(text))


def is_libc(soname: str) -> bool:
    """Whether every image of a distro has this library."""
    return any(fnmatchcase(soname, pattern) for row in _expected().libc for pattern in row.sonames)


def elsewhere() -> dict[str, str]:
    """Names of the standard library that only other systems have, and what the ImportError says here."""
    return {name: row.says.format(module=name) for row in _expected().elsewhere for name in row.modules}


def names_of(build: BuildInfo) -> Names:
    """What this Python calls things. Raises ProbeFailed when no row says it."""
    for row in _expected().names:
        if row.holds(build.series):
            values = {"series": build.series, "digits": build.series.replace(".", ""), "abiflags": build.abiflags}
            return Names(*(text.format(**values) for text in (row.pkgconfig, row.config, row.wheel)))
    raise ProbeFailed(f"no row of expected.toml says what Python {build.series} calls things")


def inapplicable(check: str, series: str) -> str:
    """Why a check makes no sense for a series; '' when it does."""
    return next((row.why for row in _expected().inapplicable if check in row.checks and row.holds(series)), "")


def checks_with_rows() -> frozenset[str]:
    """The ids of checks that rows speak of."""
    return frozenset(check for row in _expected().inapplicable for check in row.checks)
