"""What clients want to know of a Python that no index says: where its source is, and until when upstream looks after it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from farm.plan.facts import load_facts
from farm.plan.recipe import PYTHON_ORG

if TYPE_CHECKING:
    from farm.plan.cell import Version
    from farm.plan.facts import Facts

VERSIONS = "https://devguide.python.org/versions/"  # says the same dates to people


@dataclass(frozen=True)
class Upstream:
    """Address and hash of a version's source, '' where facts have none; `eol` is a date, '' for an unknown series."""

    source: str = ""
    sha256: str = ""
    eol: str = ""


def upstream(version: Version) -> Upstream:
    """What is known of a version."""
    series = shipped().series.get(version.series)
    eol = f"{series.eol}" if series else ""
    row = shipped().sources.get(str(version))
    return Upstream(PYTHON_ORG + row.path, row.sha256, eol) if row else Upstream(eol=eol)


@cache
def shipped() -> Facts:
    """The facts of this version of the farm. Not those of a folder of one's own: every publisher writes the same files."""
    return load_facts()
