"""Ratios of runs that were made side by side, and how sure one can be of them."""

from __future__ import annotations

import math
import random
import statistics

# who is compared with whom; above 1 the first is faster
PAIRS = {
    "executable against the distro's": ("executable", "distro's executable"),
    "libpython against the distro's": ("libpython", "distro's libpython"),
    "libpython against the executable": ("libpython", "executable"),
    "the distro's libpython against its executable": ("distro's libpython", "distro's executable"),
}
_RESAMPLES = 2000


def ratio(seconds: dict[str, float], at: int, name: str, pair: tuple[str, str]) -> float:
    """How many times as fast the first of a pair was as the second, in one round."""
    first, second = (seconds[f"{at} {name} {contestant}"] for contestant in pair)
    return second / first


def interval(logs: list[list[float]], seed: int = 1) -> tuple[float, float, float]:
    """Geometric mean over benchmarks and rounds, and its 95 % interval: rounds are drawn again, with replacement.

    `logs` has the logarithms of ratios, a list for each round with one for each benchmark.
    """
    means = [statistics.fmean(one) for one in logs]
    draw = random.Random(seed)
    drawn = sorted(statistics.fmean(draw.choices(means, k=len(means))) for _ in range(_RESAMPLES))
    low, high = drawn[int(0.025 * _RESAMPLES)], drawn[int(0.975 * _RESAMPLES) - 1]
    return math.exp(statistics.fmean(means)), math.exp(low), math.exp(high)


def summary(seconds: dict[str, float], rounds: int, names: list[str]) -> dict[str, dict]:
    """For each pair: the mean of all benchmarks with its interval, and the median of each benchmark."""
    found = {}
    for said, pair in PAIRS.items():
        logs = [[math.log(ratio(seconds, at, name, pair)) for name in names] for at in range(rounds)]
        mean, low, high = interval(logs)
        each = {name: round(statistics.median(ratio(seconds, at, name, pair) for at in range(rounds)), 3) for name in names}
        found[said] = {"mean": round(mean, 3), "low": round(low, 3), "high": round(high, 3), "each": each}
    return {"pairs": found}
