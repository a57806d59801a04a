"""Ours and the distro's Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.goals import FEWEST, GROUPS, LEFT_OUT, judged
from benchmarks.markdown import met, rounds, table
from benchmarks.provenance import told
from benchmarks.sections.gaps import gaps
from farm.plan.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.markdown import Section


def speed(found: Any, counted: Any) -> Section:  # noqa: ANN401 - JSON
    """Each cell that was measured, and what was counted of the same build where a goal is not met."""
    yield "## Our Pythons and the distro's"
    yield (
        "`python -m benchmarks.speed`: all contestants in one box; in a round all of them run a benchmark at once, but measure"
        " one at a time, on one processor: a value of each (about a fiftieth of a second, or more), then the next of each. A"
        " figure above 1 says that the first is faster. All hash alike (but `start_bare`, which is told not to). What else runs"
        " on the machine makes a value slower, by two thirds at times, but often others of its turn, too: so what counts of a"
        " benchmark is the middle of the ratios of its turns, in all rounds. The mean is geometric, over all benchmarks but"
        " starts and those whose library differs; the interval (95 %, Student's t) is made of how"
        " rounds differ."
        " `libpython` is that of the same tree, in a program of ten lines that embeds it."
        " A goal to be faster is met when the lower end of the interval reaches it, one not to be slower unless the upper end"
        " says that it is."
    )
    yield "\n".join(f"`{name}` is not in the set: {row['why']} ({row['link']})." for name, row in LEFT_OUT.items())
    for name, one in found.items():
        yield f"### {name}, build {one['build']}, beside the distro's {one['distro']}: {rounds(one['rounds'])}"
        yield f"{_versions(one)} {told([one])}".rstrip()
        pairs = one["pairs"]
        yield table(
            ("first, against second", "mean", "interval", "slowest benchmarks"),
            [(said, *_mean(pair), _slowest(pair["each"])) for said, pair in pairs.items()],
        )
        yield from _goals(one, counted.get(name, {"build": "", "benchmarks": {}}))
        yield table(
            ("benchmark", *pairs),
            [
                (_marked(name, one["differs"]), *(_interval(pair["each"][name]) for pair in pairs.values()))
                for name in _names(pairs)
            ],
        )


def _goals(one: Mapping[str, Any], counted: Mapping[str, Any]) -> Iterator[str]:
    """Which goals are met, and of those that are not what was counted of the same build."""
    if one["rounds"] < FEWEST:
        yield f"Goals are judged from {FEWEST} rounds on."
        return
    judgements = judged(one["pairs"], one["differs"])
    yield table(
        ("goal", "figure that decides", "met"),
        [
            (each.goal.what, f"{each.figure}{f' ({each.benchmark})' if each.benchmark else ''}", met(each.met))
            for each in judgements
        ],
    )
    yield from gaps(judgements, counted["benchmarks"] if counted["build"] == one["build"] else {})


def _versions(one: Mapping[str, Any]) -> str:
    """Which version the distro has, and what that leaves out."""
    ours = str(Cell.parse(one["cell"]).python)
    said = f"The distro has {one['distro']}" + ("." if one["distro"] == ours else f", ours is {ours}.")
    if one["differs"]:
        listed = ", ".join(f"{benchmark} ({', '.join(modules)})" for benchmark, modules in one["differs"].items())
        said += (
            f" Modules that these import are not the same code in both libraries, so they are in no mean and no goal: {listed}."
        )
    return f"{said} The means are of {counted_in_means(one)} benchmarks."


def counted_in_means(one: Mapping[str, Any]) -> int:
    """Of how many benchmarks the means are."""
    return len(set(_names(one["pairs"])) - set(one["differs"]) - set(GROUPS["start"]))


def _names(pairs: Mapping[str, Any]) -> list[str]:
    return list(next(iter(pairs.values()))["each"])


def _marked(name: str, differs: Mapping[str, Any]) -> str:
    return f"{name} (library differs)" if name in differs else name


def _mean(pair: Mapping[str, Any]) -> tuple[object, str]:
    return (pair["mean"], f"{pair['low']} to {pair['high']}") if "mean" in pair else ("", "")


def _interval(one: Mapping[str, float]) -> str:
    return f"{one['mean']} ({one['low']} to {one['high']})"


def _slowest(each: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {one['mean']}" for name, one in sorted(each.items(), key=lambda item: item[1]["mean"])[:3])
