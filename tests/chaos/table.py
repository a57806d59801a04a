"""The table of docs/reliability.md, from the rows of a chaos session."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.judge import Verdict

if TYPE_CHECKING:
    from tests.chaos.trial import Row

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
_COLUMNS = ("fault", "tries", "lost", "doubled", "wrong bytes", "leftovers", "blamed", "time to recover")
_HEAD = f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|\n"


def rendered(rows: list[Row], about: str) -> str:
    """The table, and the line that says what it was measured with."""
    return f"{about}\n\n{_HEAD}" + "".join(map(_line, rows))


def _line(row: Row) -> str:
    verdict = row.verdict
    counts = [len(found) for found in (verdict.lost, verdict.doubled, verdict.wrong, verdict.left, verdict.blamed)]
    return f"| {row.fault} | {row.tries} | {' | '.join(map(str, counts))} | {_recovery(row.recovery)} |\n"


def _recovery(seconds: tuple[float, ...]) -> str:
    """From the end of the fault to the next published cell: the middle one and the longest, in seconds."""
    return f"{statistics.median(seconds):.0f} s, at most {max(seconds):.0f} s" if seconds else "the run was over"


def written(page: str, table: str) -> str:
    """The page with this table between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table}{END}{rest.partition(END)[2]}"


def save(rows: list[Row], file: Path) -> None:
    """Keep rows as they come, so that a session that is cut off has lost nothing."""
    file.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def load(file: Path) -> list[Row]:
    """What `save` kept."""
    return [_row(one) for one in json.loads(file.read_text())] if file.exists() else []


def _row(one: dict) -> Row:
    from tests.chaos.trial import Row  # noqa: PLC0415 - trial needs an engine's modules, the page does not

    verdict = Verdict(**{name: tuple(part) for name, part in one["verdict"].items()})
    return Row(**{**one, "verdict": verdict, "recovery": tuple(one["recovery"])})
