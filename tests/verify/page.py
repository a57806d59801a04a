"""The table of docs/verification.md: every check, where it runs, for which cells, and why it waits, as the code has it."""

from __future__ import annotations

import tomllib
from importlib import resources
from itertools import dropwhile
from pathlib import Path

from workers.verify.table import TABLE

PAGE = Path(__file__).parents[2] / "docs" / "verification.md"
HEAD = "| check | what it proves | where | depth | seconds | not for | why it waits for depth full |\n" + "|---" * 7 + "|\n"
ROWS = tomllib.loads((resources.files("workers.verify") / "expected.toml").read_text("utf-8"))["inapplicable"]


def apart(check):
    """For what there is nothing to look at, in words."""
    if check.needs:
        yield f"builds without {' or '.join(check.needs)} archive"
    if check.upgrade:
        yield "first builds"
    if check.source:
        yield f"Pythons that {check.source} does not know"
    if check.twin == "distro":
        yield "distros without this Python of their own"
    for row in ROWS:
        if check.id in row["checks"]:
            limits = [f"{word} {row[key]}" for key, word in (("since", "from"), ("until", "up to")) if key in row]
            yield f"{' '.join([*row.get('distros', ()), *limits])}: {row['why']}"


def table():
    lines = (
        f"| `{row.id}` | {row.proves} | {row.where} | {row.depth} | {row.cost} | {'; '.join(apart(row))} | {row.late} |\n"
        for row in TABLE
    )
    return HEAD + "".join(lines)


def text(old):
    """The page with the table as the code has it; what stands around it is written by hand."""
    before, head, rest = old.partition(HEAD)
    assert head, "the page has no such table"
    return before + table() + "".join(dropwhile(lambda line: line.startswith("|"), rest.splitlines(keepends=True)))


if __name__ == "__main__":
    PAGE.write_text(text(PAGE.read_text("utf-8")), "utf-8")
