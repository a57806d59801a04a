"""A release of CPython somewhere: what it is, where its source archive lies, and the sha256 that the place tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.plan.cell import Version
from farm.plan.recipe import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.plan.facts import Facts


@dataclass(frozen=True)
class Release:
    """A release: `packed` is how its source is, 'tar.xz' or 'tgz'; `pool` where a Debian mirror has it ('' if none).

    `bundle` is the url of its sigstore bundle, '' where the place names none.
    """

    version: Version
    packed: str
    sha256: str
    where: str
    pool: str = ""
    bundle: str = ""

    @property
    def source(self) -> Source:
        """As sources are fetched; its epoch is not known before its bytes are there."""
        numbers = f"{self.version.major}.{self.version.minor}.{self.version.patch}"
        file = f"Python-{self.version}.{self.packed}"
        return Source(file, self.sha256, f"{numbers}/{file}", self.pool, 0)


def newer(releases: Iterable[Release], facts: Facts, series: Iterable[str]) -> Iterator[Release]:
    """The newest release of each series, where it is newer than ours.

    A prerelease counts only where we have nothing else of its series, as everywhere (`Facts.newest`).
    """
    found = list(releases)
    for name in series:
        ours = facts.newest(name)
        there = [one for one in found if one.version.series == name and (not one.version.pre or ours is None or ours.pre)]
        best = max(there, key=lambda one: (not one.version.pre, one.version.key), default=None)
        if best and (ours is None or ours < best.version):
            yield best
