"""The nearest valid name, for messages about a name that is none."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, valid: Iterable[str], *, count: int = 1) -> list[str]:
    """Up to `count` of the valid names that look most like `name`, best first; none if nothing comes near."""
    by_folded = {candidate.lower(): candidate for candidate in valid}
    found = difflib.get_close_matches(name.lower(), by_folded, n=count, cutoff=0.6)
    return [by_folded[folded] for folded in found]


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """' (did you mean "x"?)', or the list of valid names where it is short, or ''."""
    names = list(valid)
    if near := nearest(name, names):
        return f" (did you mean '{near[0]}'?)"
    return f" (there are: {', '.join(names)})" if 0 < len(names) <= 12 else ""  # noqa: PLR2004 - what fits a line
