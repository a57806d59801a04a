"""New rows for sources.toml: put into the file's text behind their series, so that comments and order stay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farm.plan.cell import Version

if TYPE_CHECKING:
    from farm.plan.rows import SourceRow

_HEADER = re.compile(r'^\["(?P<version>[^"]+)"\]', re.MULTILINE)


def rendered(version: str, row: SourceRow) -> str:
    """A row as TOML; `SourceRow` lets nothing into its values that would end a quote."""
    lines = [f'["{version}"]', f'file = "{row.file}"', f'sha256 = "{row.sha256}"', f'path = "{row.path}"']
    if row.pool:
        lines.append(f'pool = "{row.pool}"')
    lines.append(f"epoch = {row.epoch}")
    if row.signed_by:
        lines.append(f'signed_by = "{row.signed_by}"')
    return "\n".join([*lines, ""])


def inserted(text: str, version: str, row: SourceRow) -> str:
    """The text of a sources.toml with a row more, before the first row of a later version, or at the end."""
    key = Version.parse(version).key
    headers = [(found.start(), Version.parse(found["version"]).key) for found in _HEADER.finditer(text)]
    later = next((start for start, other in headers if other > key), None)
    block = rendered(version, row)
    if later is None:
        return f"{text.rstrip()}\n\n{block}" if text.strip() else block
    cut = _above_comments(text, later)
    return f"{text[:cut]}{block}\n{text[cut:]}"


def _above_comments(text: str, start: int) -> int:
    """Where the comment lines right above a row begin: they belong to it. At the top of the file they belong to all."""
    before = text[:start].splitlines(keepends=True)
    comments = 0
    while comments < len(before) and before[-1 - comments].startswith("#"):
        comments += 1
    return start if comments == len(before) else start - sum(len(line) for line in before[len(before) - comments :])
