"""The rows of `expected.toml`: what every archive may rely on or go without."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

from farm.plan.facts import load_facts


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    why: str


class _Libc(_Row):
    sonames: tuple[str, ...]


class _Elsewhere(_Row):
    modules: tuple[str, ...]
    says: str = "No module named {module!r}"


class _Sample(_Row):
    tests: tuple[str, ...]


class _Expected(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    libc: tuple[_Libc, ...]
    elsewhere: tuple[_Elsewhere, ...]
    sample: _Sample


@cache
def _expected() -> _Expected:
    text = (resources.files("workers.verify") / "expected.toml").read_text("utf-8")
    return _Expected.model_validate(tomllib.loads(text))


def is_libc(soname: str) -> bool:
    """Whether every image of a distro has this library."""
    return any(fnmatchcase(soname, pattern) for row in _expected().libc for pattern in row.sonames)


def machine(arch: str) -> str:
    """What ELF headers call an arch, e.g. 'EM_X86_64'; '' when no row knows the arch."""
    row = load_facts().arches.get(arch)
    return row.machine if row else ""


def sample() -> tuple[str, ...]:
    """Tests of CPython's own suite that show in a second or two that the suite runs."""
    return _expected().sample.tests


def elsewhere() -> dict[str, str]:
    """Names of the standard library that only other systems have, and what the ImportError says here."""
    return {name: row.says.format(module=name) for row in _expected().elsewhere for name in row.modules}
