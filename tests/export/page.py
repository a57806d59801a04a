"""The two tables of docs/clients.md: every file that clients read, and all that `farm export` writes, as the code has them."""

from __future__ import annotations

from itertools import dropwhile
from pathlib import Path

from farm.export.table import TABLE
from farm.index.exports import EXPORTS
from farm.plan.cell import Cell

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
EXAMPLE = Cell.parse("3.13.5-debian13-amd64")
HEAD = "| format | for | {} | read in the tests by | why not by the client itself |\n|---|---|---|---|---|\n"


def files():
    """A row for each file of a channel."""
    for export in EXPORTS:
        yield export.format, f"`{export.key('stable', EXAMPLE)}`", export.tried


def exported():
    """A row for each format of `farm export`."""
    for name, export in TABLE.items():
        listing = f" and `{export.listing}`" if export.listing else ""
        yield name, f"`{export.archive}`{listing}", export.tried


TABLES = {"file below `STORE`": files, "what it writes": exported}


def table(column):
    lines = (f"| `{name}` | {by.client} | {where} | {by.by} | {by.instead} |\n" for name, where, by in TABLES[column]())
    return HEAD.format(column) + "".join(lines)


def text(old):
    """The page with both tables as the code has them; what stands around them is written by hand."""
    for column in TABLES:
        before, head, rest = old.partition(HEAD.format(column))
        assert head, f"the page has no table with the column {column}"
        after = dropwhile(lambda line: line.startswith("|"), rest.splitlines(keepends=True))
        old = before + table(column) + "".join(after)
    return old


if __name__ == "__main__":
    PAGE.write_text(text(PAGE.read_text("utf-8")), "utf-8")
