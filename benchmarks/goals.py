"""What is to be reached when Pythons are compared (goals.toml), and whether it was."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from farm.plan.scope import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.plan.cell import Version

_ROWS = tomllib.loads(Path(__file__).with_name("goals.toml").read_text(encoding="utf-8"))
FEWEST: int = _ROWS["judged"]["rounds"]  # by fewer rounds no goal is judged
GROUPS: dict[str, tuple[str, ...]] = {name: tuple(row["names"]) for name, row in _ROWS["group"].items()}
LEFT_OUT: dict[str, dict[str, str]] = _ROWS["left_out"]


@dataclass(frozen=True)
class Goal:
    """What a pair has to reach: in its mean, in each benchmark of the mean, or in each of a group (`of`)."""

    what: str
    pair: str
    of: str
    bound: Literal["low", "high"]
    least: float


@dataclass(frozen=True)
class Judged:
    """A goal, the figure that decides it, and of which benchmark that is ('' for the mean)."""

    goal: Goal
    figure: float
    benchmark: str

    @property
    def met(self) -> bool:
        return self.figure >= self.goal.least


class Rebuilt(Span):
    """How many times as fast as by Debian's rules our executable has to be, for some versions."""

    least: float


REBUILT = tuple(Rebuilt(**row) for row in _ROWS["rebuilt"])
GOALS = tuple(Goal(**row) for row in _ROWS["goal"])


def judged(pairs: Mapping[str, Any], left_out: Mapping[str, Any]) -> list[Judged]:
    """Every goal whose pair was measured, decided by the benchmark that is furthest from it; `left_out` decides nothing."""
    found = []
    for goal in GOALS:
        if (pair := pairs.get(goal.pair)) is None:
            continue
        if goal.of == "mean":
            found += [Judged(goal, pair[goal.bound], "")] if goal.bound in pair else []
            continue
        each = {name: one[goal.bound] for name, one in pair["each"].items() if name not in left_out}
        names = [name for name in each if (name in GROUPS[goal.of] if goal.of in GROUPS else name not in GROUPS["start"])]
        if names:
            worst = min(names, key=lambda name: each[name])
            found.append(Judged(goal, each[worst], worst))
    return found


def beside_rules(version: Version, pair: Mapping[str, Any]) -> tuple[float, float]:
    """What has to be reached beside Debian's rules, and what was: the lower end; `pair` is theirs against ours."""
    numbers = (version.major, version.minor, version.patch)
    least = max(row.least for row in REBUILT if row.spans(numbers))
    return least, round(1 / pair["high"], 3)
