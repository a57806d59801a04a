"""What a profile says of a goal that is not met: what was counted of both sides, and never a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.goals import GROUPS
from benchmarks.ratios import PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from benchmarks.goals import Judged

_COUNTS = {"instructions": "instructions", "estimated": "estimated cycles"}


def gaps(judgements: Iterable[Judged], counted: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each goal that is not met, of the benchmarks that were counted of this very build.

    A goal of a group is about the group's benchmarks alone; of the one that decides it is said by name.
    """
    for one in judgements:
        if not one.met and (said := _said(one, counted)):
            yield f"Not met, {one.goal.what}: {said}."


def _said(one: Judged, counted: Mapping[str, Any]) -> str:
    names = [name for name in counted if one.goal.of not in GROUPS or name in GROUPS[one.goal.of]]
    found = {name: _times(counted[name], one.goal.pair) for name in names}
    if not found:
        return ""
    ours, theirs = PAIRS[one.goal.pair]
    said = f"counted in {_benchmarks(len(found))} (callgrind), the {theirs} has {_ranges(list(found.values()))} as our {ours}"
    if one.benchmark in found:
        return f"{said}; in {one.benchmark}, which decides, {_ranges([found[one.benchmark]])}"
    return f"{said}; {one.benchmark}, which decides, was not counted" if one.benchmark else said


def _benchmarks(number: int) -> str:
    return f"{number} benchmark{'s' * (number != 1)}"


def _times(told: Mapping[str, Any], pair: str) -> dict[str, float]:
    """What the second of a pair has by what the first has."""
    first, second = (told[contestant] for contestant in PAIRS[pair])
    return {what: second[what] / first[what] for what in _COUNTS}


def _ranges(found: list[dict[str, float]]) -> str:
    return " and ".join(f"{span([one[what] for one in found])} times as many {said}" for what, said in _COUNTS.items())


def span(figures: list[float]) -> str:
    """The least and the greatest, or the one that both are, with two digits."""
    low, high = (f"{pick(figures):.2f}" for pick in (min, max))
    return low if low == high else f"{low} to {high}"
