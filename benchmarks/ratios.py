"""Ratios of runs that were made side by side, and how sure one can be of them."""

from __future__ import annotations

import math
import random
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
_RESAMPLES = 2000

# (round, script, contestant) as one word each to seconds by the name of the benchmark: a script may have several
Runs = dict[str, dict[str, float]]


def key(at: int, script: str, contestant: str) -> str:
    """What a run is called where runs are kept."""
    return f"{at} {script} {contestant}"


def flat(runs: Runs) -> dict[tuple[int, str, str], float]:
    """(round, benchmark, contestant) to seconds."""
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


def interval(logs: list[list[float]], seed: int = 1) -> tuple[float, float, float]:
    """Geometric mean over benchmarks, of each its median round, and the 95 % interval by bootstrap over rounds.

    `logs` has the logarithms of ratios, a list for each round with one for each benchmark. A median, because what else runs
    on a machine makes one of two neighbours a fifth slower now and then.
    """
    draw, columns = random.Random(seed), list(zip(*logs, strict=True))
    rounds = range(len(logs))
    drawn = sorted(_middle(columns, draw.choices(rounds, k=len(logs))) for _ in range(_RESAMPLES))
    low, high = drawn[int(0.025 * _RESAMPLES)], drawn[int(0.975 * _RESAMPLES) - 1]
    return math.exp(_middle(columns, rounds)), math.exp(low), math.exp(high)


def _middle(columns: Sequence[Sequence[float]], rounds: Sequence[int]) -> float:
    return statistics.fmean(statistics.median([column[at] for at in rounds]) for column in columns)


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
        logs = {
            name: [math.log(seconds[at, name, second] / seconds[at, name, first]) for at in range(rounds)] for name in names
        }
        together = [[logs[name][at] for name in names if name not in apart] for at in range(rounds)]
        found[said] = {
            **(_told(interval(together)) if all(together) else {}),
            "each": {name: _told(interval([[one] for one in logs[name]])) for name in names},
        }
    return {"pairs": found}


def _told(found: tuple[float, float, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in zip(("mean", "low", "high"), found, strict=True)}
