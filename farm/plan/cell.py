"""The cell: one distro release x one exact Python x one arch x one variant. The unit of everything the user sees."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

from farm.errors import BadInput

VARIANTS = ("default", "freethreaded", "debug", "freethreaded-debug")

_NUMBER = "(?:0|[1-9][0-9]{0,3})"
_VERSION_RE = re.compile(rf"(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})(?P<pre>(?:a|b|rc){_NUMBER})?")
_CELL_RE = re.compile(
    r"(?P<python>[0-9]+\.[0-9]+\.[0-9]+(?:(?:a|b|rc)[0-9]+)?)-(?P<distro>[a-z]+[0-9][0-9.]*)-(?P<arch>[a-z0-9]+)"
    r"(?:-(?P<variant>[a-z]+(?:-[a-z]+)*))?"
)
_PRE_ORDER = {"a": 0, "b": 1, "rc": 2, "": 3}


@dataclass(frozen=True)
class Version:
    """An exact CPython version, e.g. 3.15.0rc2. Ordered as releases are: 3.15.0rc2 < 3.15.0."""

    major: int
    minor: int
    patch: int
    pre: str = ""

    @classmethod
    @lru_cache(maxsize=1 << 13)  # each has dozens of cells
    def parse(cls, text: str) -> Self:
        """The version written as `text`. Raises BadInput."""
        if not (found := _VERSION_RE.fullmatch(text)):
            raise BadInput(f"'{text}' is not an exact Python version", hint="write it like 3.13.5 or 3.15.0rc2")
        return cls(int(found["major"]), int(found["minor"]), int(found["patch"]), found["pre"] or "")

    @cached_property
    def series(self) -> str:
        """The feature release, e.g. '3.13'."""
        return f"{self.major}.{self.minor}"

    @cached_property
    def key(self) -> tuple[int, int, int, int, int]:
        """What versions are ordered by."""
        letters = self.pre.rstrip("0123456789")
        number = int(self.pre[len(letters) :] or 0)
        return (self.major, self.minor, self.patch, _PRE_ORDER[letters], number)

    def __lt__(self, other: Version) -> bool:
        """Whether this release came before the other."""
        return self.key < other.key

    def __le__(self, other: Version) -> bool:
        """Whether this release came before the other, or is it."""
        return self.key <= other.key

    def __str__(self) -> str:
        """As python.org writes it."""
        return f"{self.major}.{self.minor}.{self.patch}{self.pre}"


@dataclass(frozen=True)
class Cell:
    """What is built: `3.14.7-debian12-arm64-freethreaded`. `Cell.parse(str(cell)) == cell`."""

    python: Version
    distro: str
    arch: str
    variant: str = "default"

    @classmethod
    @lru_cache(maxsize=1 << 16)  # an index of thousands of builds names each cell dozens of times
    def parse(cls, text: str) -> Self:
        """The cell written as `text`. Says nothing about whether we have facts for it. Raises BadInput."""
        found = _CELL_RE.fullmatch(text)
        variant = (found["variant"] or "default") if found else ""
        if not found or variant not in VARIANTS or (found["variant"] == "default"):
            raise BadInput(
                f"'{text}' is not a cell",
                hint=f"write PYTHON-DISTRO-ARCH[-VARIANT], e.g. 3.13.5-debian13-amd64; variants: {', '.join(VARIANTS)}",
            )
        return cls(Version.parse(found["python"]), found["distro"], found["arch"], variant)

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Orders cells by distro, version, arch, variant."""
        return (self.distro, self.python.key, self.arch, VARIANTS.index(self.variant))

    def __str__(self) -> str:
        """As the user writes it; the default variant is not written."""
        suffix = "" if self.variant == "default" else f"-{self.variant}"
        return f"{self.python}-{self.distro}-{self.arch}{suffix}"
