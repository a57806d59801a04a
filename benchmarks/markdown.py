"""What a section of the page is made of: text, tables and plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Plot:
    """Lines over a logarithmic x axis: by their label, x and y values."""

    name: str
    lines: Mapping[str, tuple[list[float], list[float]]]
    x: str
    y: str
    log_y: bool = True

    def __str__(self) -> str:
        """As the page shows it."""
        return f"![{self.y} by {self.x}](performance/{self.name}.svg)"


Section = Iterator[str | Plot]


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def met(reached: bool) -> str:
    """How a goal is told."""
    return "met" if reached else "**not met**"


def rounds(number: int) -> str:
    """How many rounds something was measured for."""
    return f"{number} round{'s' * (number != 1)}"
