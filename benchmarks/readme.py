"""What the README says of measurements, from the same results as the page: time budgets, and Pythons side by side."""

from __future__ import annotations

import math
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

README = Path(__file__).parents[1] / "README.md"
_TABLE = re.compile(r"(?P<before>^## Time budgets\n(?:(?!\||## ).*\n)*)(?P<table>(?:\|.*\n)+)", re.MULTILINE)
_SPEED = re.compile(r"^Measured side by side (?:.+\n)+", re.MULTILINE)
_LINE = 128
_CLAIMS = {  # who is compared, and with what
    "the executable": ("executable against the distro's", "executable against the official recipe's"),
    "`libpython`": ("libpython against the distro's", "libpython against the official recipe's"),
}


def with_budgets(text: str, figures: Iterable[Mapping[str, Any]]) -> str:
    """The README with these figures in the first table under that heading; ValueError where it has none."""
    rows: list[tuple[object, ...]] = [
        (one["what"], f"{one['budget']:g} s", f"{one['seconds']:.2f} s", one["how"]) for one in figures
    ]
    new = table(("what", "budget", "measured", "how"), rows) + "\n"
    found, number = _TABLE.subn(lambda match: match["before"] + new, text)
    if number != 1:
        raise ValueError("the README has no table under '## Time budgets'")
    return found


def with_speed(text: str, cell: str, one: Mapping[str, Any], benchmarks: int) -> str:
    """The README with what is claimed of a cell: lower ends of intervals; ValueError where it has no paragraph for that."""
    pairs = one["pairs"]
    claims = "; ".join(
        f"{who} is at least {_least(pairs[distro])} times as fast as the distro's own of the same version, and"
        f" {_least(pairs[official])} times as one made by the recipe of the official Docker image"
        for who, (distro, official) in _CLAIMS.items()
    )
    said = (
        f"Measured side by side ({cell}, {one['optimize']}, {one['rounds']} rounds of {benchmarks} benchmarks): {claims} (lower"
        " ends of 95 % intervals). [docs/performance.md](docs/performance.md) has each benchmark, and what profiles say of the"
        " goals that are not met."
    )
    wrapped = textwrap.fill(said, _LINE, break_long_words=False, break_on_hyphens=False) + "\n"
    found, number = _SPEED.subn(lambda _: wrapped, text)
    if number != 1:
        raise ValueError("the README has no paragraph 'Measured side by side'")
    return found


def _least(pair: Mapping[str, Any]) -> str:
    """The lower end, never rounded up."""
    return f"{math.floor(100 * pair['low']) / 100:.2f}"
