"""The table of time budgets in the README, from the same results as the page's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

README = Path(__file__).parents[1] / "README.md"
_TABLE = re.compile(r"(?P<before>^## Time budgets\n(?:(?!\||## ).*\n)*)(?P<table>(?:\|.*\n)+)", re.MULTILINE)


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
