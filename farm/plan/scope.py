"""Where a row of facts holds: its limits, and the place at which it is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from farm.plan.recipe import Optimize

if TYPE_CHECKING:
    from collections.abc import Iterator

Bounds = tuple[int, ...]
Numbers = tuple[int, int, int]

_BOUND_RE = re.compile(r"\d+(\.\d+){0,2}")


def _bound(value: object) -> object:
    if not isinstance(value, str) or not _BOUND_RE.fullmatch(value):
        raise ValueError(f'must be a version in quotes such as "3.10", not {value!r}')
    return tuple(int(number) for number in value.split("."))


Bound = Annotated[Bounds, BeforeValidator(_bound)]


@dataclass(frozen=True)
class Place:
    """Where a row may or may not hold: what of a cell and its options the scopes of rows look at.

    `distro` holds the distro's id and its family, `capabilities` what it provides for this Python.
    """

    version: Numbers
    distro: frozenset[str]
    capabilities: frozenset[str]
    openssl: Bounds
    gcc: Bounds
    arch: str
    variant: str
    optimize: Optimize


class Row(BaseModel):
    """What all rows have in common: frozen, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Row):
    """A row that holds for some Pythons only. An empty limit limits nothing; those since and until a version include it."""

    since: Bound = ()
    until: Bound = ()

    def spans(self, version: Numbers) -> bool:
        """Whether the row holds for a Python version; '3.11' as `until` means the whole series."""
        return version[: len(self.since)] >= self.since and (not self.until or version[: len(self.until)] <= self.until)


class Scope(Span):
    """The limits of a row.

    `given` and `lacking` are capabilities that the distro must, or must not, have packages for.
    """

    distros: tuple[str, ...] = ()
    openssl_since: Bound = ()
    gcc_since: Bound = ()
    gcc_until: Bound = ()
    given: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    arches: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    optimize: tuple[Optimize, ...] = ()

    def holds(self, place: Place) -> bool:
        """Whether the row holds at this place."""
        return self.spans(place.version) and self._limits_met(place)

    def bounds(self) -> Iterator[Bounds]:
        """Every version that this row, or a row inside it, names as a limit."""
        yield from (self.since, self.until)

    def _limits_met(self, place: Place) -> bool:
        return (
            (not self.distros or not place.distro.isdisjoint(self.distros))
            and place.capabilities.issuperset(self.given)
            and place.capabilities.isdisjoint(self.lacking)
            and (not self.arches or place.arch in self.arches)
            and (not self.variants or place.variant in self.variants)
            and (not self.optimize or place.optimize in self.optimize)
            and (not self.openssl_since or place.openssl >= self.openssl_since)
            and (not self.gcc_since or place.gcc >= self.gcc_since)
            and (not self.gcc_until or place.gcc[: len(self.gcc_until)] <= self.gcc_until)
        )
