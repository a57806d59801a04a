"""The table of docs/clients.md: every file that clients read, and all that `farm export` writes, as the code has them."""

from __future__ import annotations

from itertools import dropwhile
from pathlib import Path

from farm.export.table import EXPORTS, File
from farm.plan.cell import Cell

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
EXAMPLE = Cell.parse("3.13.5-debian13-amd64")
HEAD = """\
| format | for | file below `STORE`, or what `farm export` writes | read in the tests by | why not by the client itself |
|---|---|---|---|---|
"""


def rows():
    """Format, files and test of each line of the code's table."""
    for export in EXPORTS:
        if isinstance(export, File):
            yield export.format, f"`{export.key('stable', EXAMPLE)}`", export.tried
        else:
            listing = f" and `{export.listing}`" if export.listing else ""
            yield export.format, f"`farm export`: `{export.archive}`{listing}", export.tried


def text(old):
    """The page with the table as the code has it; what stands around it is written by hand."""
    before, head, rest = old.partition(HEAD)
    assert head, "the page has no such table"
    lines = "".join(f"| `{name}` | {by.client} | {where} | {by.by} | {by.instead} |\n" for name, where, by in rows())
    after = dropwhile(lambda line: line.startswith("|"), rest.splitlines(keepends=True))
    return before + HEAD + lines + "".join(after)


if __name__ == "__main__":
    PAGE.write_text(text(PAGE.read_text("utf-8")), "utf-8")
