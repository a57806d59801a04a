"""Ratios of runs that were made side by side, and how sure one can be of them."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

# who is compared with whom; above 1 the first is faster
PAIRS = {
    "executable against the distro's": ("executable", "distro's executable"),
    "libpython against the distro's": ("libpython", "distro's libpython"),
    "libpython against the executable": ("libpython", "executable"),
    "the distro's libpython against its executable": ("distro's libpython", "distro's executable"),
    "executable against the official recipe's": ("executable", "official executable"),
    "libpython against the official recipe's": ("libpython", "official libpython"),
}

# (round, script, contestant) as one word each to seconds by the name of the benchmark, of which a script may have several: a
# value in each turn, so that the values of one turn were measured one right behind the other by all contestants of a round
Runs = dict[str, dict[str, list[float]]]
# Student's t, within which 95 % lie, by degrees of freedom from 1 on; for more the last one, which is a little too much
# (https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm)
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
Turns = list[float]  # by turn the logarithm of how many times as long the second of a pair took as the first


def key(at: int, script: str, contestant: str) -> str:
    """What a run is called where runs are kept."""
    return f"{at} {script} {contestant}"


def flat(runs: Runs) -> dict[tuple[int, str, str], list[float]]:
    """(round, benchmark, contestant) to seconds by turn."""
    return {
        (int(name.split(" ", 2)[0]), benchmark, name.split(" ", 2)[2]): seconds
        for name, found in runs.items()
        for benchmark, seconds in found.items()
    }


def asked(runs: Runs, rounds: int, names: Collection[str]) -> Runs:
    """Runs of these scripts in the first rounds; there may be more than were asked for now."""
    return {name: run for name, run in runs.items() if name.split(" ", 2)[1] in names and int(name.split(" ", 1)[0]) < rounds}


def scripts(runs: Runs) -> dict[str, str]:
    """Every benchmark, and the script that it is in."""
    return {benchmark: name.split(" ", 2)[1] for name, found in runs.items() for benchmark in found}


def interval(rounds: Sequence[Sequence[Turns]]) -> tuple[float, float, float]:
    """How many times as fast the first is, the geometric mean over benchmarks, and its 95 % interval by how rounds differ.

    `rounds` has a list for each round with the turns of every benchmark. What counts of a benchmark is the middle of all its
    turns: what else runs on a machine makes a value slower by as much as two thirds, but often both of a turn. Of one round
    there is no interval: both ends are the mean.
    """
    middle = _middle([[turn for turns in column for turn in turns] for column in zip(*rounds, strict=True)])
    half = 0.0
    if len(rounds) > 1:
        student = _STUDENT[min(len(rounds) - 2, len(_STUDENT) - 1)]
        half = student * statistics.stdev(map(_middle, rounds)) / math.sqrt(len(rounds))
    return math.exp(middle), math.exp(middle - half), math.exp(middle + half)


def _middle(benchmarks: Sequence[Turns]) -> float:
    return statistics.fmean(map(statistics.median, benchmarks))


def turns(first: Sequence[float], second: Sequence[float]) -> Turns:
    """Of two contestants' seconds in the same turns; ValueError when one has more."""
    return [math.log(other / one) for one, other in zip(first, second, strict=True)]


def summary(
    runs: Runs, rounds: int, apart: Collection[str] = (), among: Mapping[str, tuple[str, str]] = PAIRS
) -> dict[str, dict]:
    """For each pair that ran: geometric mean and interval of all benchmarks but those `apart`, and of each benchmark."""
    seconds, found = flat(runs), {}
    names = sorted({name for _, name, _ in seconds})
    ran = {contestant for _, _, contestant in seconds}
    for said, (first, second) in among.items():
        if not {first, second} <= ran:
            continue
        both = {name: [turns(seconds[at, name, first], seconds[at, name, second]) for at in range(rounds)] for name in names}
        together = [[both[name][at] for name in names if name not in apart] for at in range(rounds)]
        found[said] = {
            **(_told(interval(together)) if all(together) else {}),
            "each": {name: _told(interval([[one] for one in both[name]])) for name in names},
        }
    return {"pairs": found}


def _told(found: tuple[float, float, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in zip(("mean", "low", "high"), found, strict=True)}
