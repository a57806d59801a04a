"""The rows of `expected.toml`: what every archive may rely on, must have or may go without, and what a series calls things."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from farm.errors import BadInput
from farm.plan.facts import load_facts
from farm.plan.recipe import Source
from farm.plan.scope import Bounds, Numbers, Scope
from workers.verify.probe import ProbeFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from farm.store.artifact import BuildInfo


class _Row(Scope):
    why: str
    link: str = ""


class _Sonames(_Row):
    sonames: tuple[str, ...]


class _Elsewhere(_Row):
    modules: tuple[str, ...]
    says: str = "No module named {module!r}"


class _Sample(_Row):
    tests: tuple[str, ...]


class _Allowed(_Sonames):
    files: tuple[str, ...]


class Guard(_Row):
    """A guard of the compiler: the flag that asks for it, and what code calls that has it."""

    flag: str
    calls: tuple[str, ...]
    always: bool = False

    def matches(self, symbol: str) -> bool:
        """Whether this symbol shows that the guard is there; the stack protector's own is no fortified function."""
        exact = symbol in self.calls
        return exact or (symbol != "__stack_chk_fail" and any(fnmatchcase(symbol, pattern) for pattern in self.calls))


class _Symbols(_Row):
    symbols: tuple[str, ...]


class _Flags(_Row):
    flags: tuple[str, ...]


class ThreadLocal(_Row):
    """Where thread-local variables of libpython lie; `most` is the bytes that they may take at a fixed offset."""

    fixed: bool
    most: int = 0


class _Initialiser(_Row):
    name: str


class _Made(_Row):
    modules: tuple[str, ...]


class _Names(_Row):
    pkgconfig: str
    config: str
    wheel: str
    cmake: str


class _Inapplicable(_Row):
    checks: tuple[str, ...]


class SourceRow(_Row):
    """A program that embeds Python: its source archive, and where a Debian mirror has it."""

    file: str
    sha256: str
    pool: str

    @property
    def source(self) -> Source:
        """As sources are fetched."""
        return Source(file=self.file, sha256=self.sha256, path="", pool=self.pool, epoch=0)


class _Expected(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    libc: tuple[_Sonames, ...]
    elsewhere: tuple[_Elsewhere, ...]
    sample: _Sample
    allowed: tuple[_Allowed, ...]
    guard: tuple[Guard, ...]
    api: tuple[_Symbols, ...]
    initialiser: tuple[_Initialiser, ...]
    made: tuple[_Made, ...]
    own: tuple[_Symbols, ...]
    foreign: tuple[_Symbols, ...]
    banned: tuple[_Symbols, ...]
    one_sided: tuple[_Symbols, ...]
    one_pass: tuple[_Flags, ...]
    fixed_address: tuple[_Flags, ...]
    thread_local: dict[str, ThreadLocal]
    source: dict[str, SourceRow]
    names: tuple[_Names, ...]
    suffix_apart: tuple[_Row, ...]
    homes: dict[str, str]
    inapplicable: tuple[_Inapplicable, ...]


class _Theirs(BaseModel):
    """What an operator's own `expected.toml` may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inapplicable: tuple[_Inapplicable, ...] = ()


@dataclass(frozen=True)
class Names:
    """What a Python calls things: its .pc file, the command that prints embedders' flags, its wheels' tags; CMake's name."""

    pkgconfig: str
    config: str
    wheel: str
    cmake: str


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


def libc_version(distro: str) -> Bounds:
    """The version of the distro's libc; () when no file knows the distro."""
    found = load_facts().distros.get(distro)
    return found.facts.libc_version if found else ()


def thread_local(distro: str) -> ThreadLocal | None:
    """Where thread-local variables have to lie with the distro's libc; None when no file knows the distro."""
    found = load_facts().distros.get(distro)
    return _expected().thread_local[found.facts.libc] if found else None


def sample() -> tuple[str, ...]:
    """Tests of CPython's own suite that show in a second or two that the suite runs."""
    return _expected().sample.tests


def elsewhere() -> dict[str, str]:
    """Names of the standard library that only other systems have, and what the ImportError says here."""
    return {name: row.says.format(module=name) for row in _expected().elsewhere for name in row.modules}


def allowed(path: str, version: Numbers) -> tuple[str, ...]:
    """Globs of libraries that a file of the tree may NEED by a row of its own."""
    rows = [row for row in _expected().allowed if row.spans(version)]
    return tuple(name for row in rows if any(fnmatchcase(path, glob) for glob in row.files) for name in row.sonames)


def guards() -> tuple[Guard, ...]:
    """The guards of the compiler that can be seen in what it made."""
    return _expected().guard


def api() -> tuple[str, ...]:
    """Symbols of the C API that are always there."""
    return tuple(name for row in _expected().api for name in row.symbols)


def initialisers(modules: Iterable[str], version: Numbers) -> list[str]:
    """The functions that make these modules, which are linked in."""
    made = {name for row in _expected().made for name in row.modules}
    (name,) = (row.name for row in _expected().initialiser if row.spans(version))
    return [name.format(module=module) for module in modules if module not in made]


def own(version: Numbers) -> tuple[str, ...]:
    """Globs of all that may be exported; empty for versions that do not hide what is not API."""
    return _globs(_expected().own, version)


def foreign() -> tuple[str, ...]:
    """Globs of what must never be exported."""
    return tuple(name for row in _expected().foreign for name in row.symbols)


def banned() -> frozenset[str]:
    """What no binary may want of others."""
    return frozenset(name for row in _expected().banned for name in row.symbols)


def one_sided(version: Numbers) -> tuple[str, ...]:
    """Globs of what only executable or libpython may have."""
    return _globs(_expected().one_sided, version)


def flags_of(table: Literal["one_pass", "fixed_address"]) -> tuple[str, ...]:
    """Globs of the flags of one of these tables."""
    return tuple(flag for row in getattr(_expected(), table) for flag in row.flags)


def homes() -> dict[str, str]:
    """How the ids of tests begin that a module of CPython's suite runs and that do not begin with its name."""
    return _expected().homes


def suffix_apart(version: Numbers) -> bool:
    """Whether distros name extension modules in a way of their own."""
    return any(row.spans(version) for row in _expected().suffix_apart)


def sources(version: Numbers) -> dict[str, SourceRow]:
    """Programs that embed Python and know this version of it."""
    return {name: row for name, row in _expected().source.items() if row.spans(version)}


def _globs(rows: Sequence[_Symbols], version: Numbers) -> tuple[str, ...]:
    return tuple(name for row in rows if row.spans(version) for name in row.symbols)


def names_of(build: BuildInfo) -> Names:
    """What this Python calls things. Raises ProbeFailed when no row says it."""
    for row in _expected().names:
        if row.spans(_numbers(build.series)):
            values = {"series": build.series, "digits": build.series.replace(".", ""), "abiflags": build.abiflags}
            return Names(*(text.format(**values) for text in (row.pkgconfig, row.config, row.wheel, row.cmake)))
    raise ProbeFailed(f"no row of expected.toml says what Python {build.series} calls things")


def _numbers(series: str) -> Numbers:
    major, minor = series.split(".")
    return int(major), int(minor), 0


def inapplicable(check: str, series: str, distro: str, overlay: Path | None = None) -> str:
    """Why a check makes no sense for a series, or cannot be made on a distro; '' when it can.

    `overlay` is the operator's folder of facts.
    """
    for row in (*_expected().inapplicable, *_theirs(overlay)):
        if check in row.checks and row.spans(_numbers(series)) and (not row.distros or distro in row.distros):
            return row.why
    return ""


@cache
def _theirs(overlay: Path | None) -> tuple[_Inapplicable, ...]:
    """An operator's own rows for series of their own. Raises BadInput."""
    file = overlay / "expected.toml" if overlay else None
    if file is None or not file.is_file():
        return ()
    try:
        return _Theirs.model_validate(tomllib.loads(file.read_text("utf-8"))).inapplicable
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadInput(
            f"{file} cannot be read: {error}", hint="it may have rows [[inapplicable]]: checks, since, until, why"
        ) from None


def checks_with_rows() -> frozenset[str]:
    """The ids of checks that rows speak of."""
    return frozenset(check for row in _expected().inapplicable for check in row.checks)
