"""What changes of the recipe would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.goals import FEWEST, beside_rules
from benchmarks.markdown import met, rounds, table
from benchmarks.provenance import told
from benchmarks.sections.gaps import span
from farm.plan.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.markdown import Section
    from farm.plan.cell import Version

RULES = "debian-rules"  # the experiment that is Debian's own


def experiments(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Each that was measured, beside the build as it is."""
    yield "## What other builds would give"
    yield (
        "`python -m benchmarks.experiments`: a cell with PGO and LTO, with something changed (a folder of"
        " `benchmarks/experiments` over the facts). All are compiled from the profile of one training run, but for those"
        " that have none, or are trained by themselves: two trainings of one recipe differ by up to 3 % in the mean, and"
        " by more than that in single benchmarks. Each takes turns with the build as it was that day; above 1 the changed"
        " one is faster; rounds count, and the interval (95 %) is made, as for our Pythons and the distro's. Instructions"
        " are counted by callgrind, and do not depend on what else the machine does: those of a loop, by those of that"
        " build, in the executable and in libpython. What the second link takes is told in CPU seconds, by that build's."
    )
    for cell, rows in sorted(found.items()):
        yield f"### {cell}, changed"
        yield told(rows.values())
        yield table(
            (
                *("changed", "executable", "interval", "slowest", "libpython", "interval"),
                *("instructions", "second link, CPU", "profile", "measured"),
            ),
            [_row(name, one) for name, one in sorted(rows.items())],
        )
        if RULES in rows:
            yield from _rebuilt(Cell.parse(cell).python, rows[RULES])


def _rebuilt(version: Version, one: Mapping[str, Any]) -> Iterator[str]:
    """The goal beside Debian's own rules; where it is not met, or not judged yet, what was counted."""
    least, reached = beside_rules(version, one["executable"])
    judged = one["rounds"] >= FEWEST
    verdict = met(reached >= least) if judged else f"not judged before {rounds(FEWEST)}"
    yield (
        f"Goal: the executable is at least {least:g} times as fast as what Debian's rules make of the same source:"
        f" {verdict} ({reached:.3f} at the lower end of the interval)."
    )
    if one["instructions"] and not (judged and reached >= least):
        times = span([each["executable"] for each in one["instructions"].values()])
        yield f"By these rules it has {times} times as many instructions ({', '.join(one['instructions'])}: callgrind)."


def _row(name: str, one: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        f"{name}: {one['about']}",
        *_mean(one["executable"]),
        _slowest(one["executable"]["each"]),
        *_mean(one["libpython"]),
        _counted(one["instructions"]),
        f"{one['second_link']:.3f}",
        _profile(one),
        f"{rounds(one['rounds'])} of {len(one['scripts'])}",
    )


def _counted(instructions: Mapping[str, Mapping[str, float]]) -> str:
    return ", ".join(f"{name} {one['executable']} and {one['libpython']}" for name, one in instructions.items())


def _profile(one: Mapping[str, Any]) -> str:
    return f"{one['profile']}, {one['mismatches']} did not fit" if one["mismatches"] else str(one["profile"])


def _mean(pair: Mapping[str, Any]) -> tuple[object, str]:
    return pair["mean"], f"{pair['low']} to {pair['high']}"


def _slowest(each: Mapping[str, Any]) -> str:
    name = min(each, key=lambda name: (each[name]["mean"], name))
    return f"{name} {each[name]['mean']}"
