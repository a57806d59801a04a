"""How many goals each section of the page tells as met and as not met, for who reads no further."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.markdown import met, table

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADING = re.compile(r"#{2,3} (?P<name>.+)")
_HEAD = re.compile(r"^\|.*\n\|---.*$", re.MULTILINE)  # of a table, which may have a column of that name
_VERDICT = re.compile(rf"(?:\| |: )(?P<verdict>{'|'.join(re.escape(met(reached)) for reached in (True, False))})(?= \||[. ]|$)")


def overview(parts: Iterable[str]) -> list[str]:
    """A table with a link to each section that has goals; nothing where none has."""
    found: dict[str, Counter[str]] = {}
    name = ""
    for part in parts:
        if heading := _HEADING.fullmatch(part):
            name = heading["name"]
        for verdict in _VERDICT.finditer(_HEAD.sub("", part)):
            found.setdefault(name, Counter())[verdict["verdict"]] += 1
    if not found:
        return []
    rows = [(f"[{one}](#{anchor(one)})", counts[met(True)], counts[met(False)]) for one, counts in found.items()]
    whole = sum(found.values(), Counter[str]())
    return ["## Goals", table(("section", "met", "not met"), [*rows, ("all", whole[met(True)], whole[met(False)])])]


def anchor(heading: str) -> str:
    """What GitHub calls a heading in links."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
