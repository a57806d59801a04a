"""Ratios of runs side by side: what is claimed of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ratios import PAIRS, interval, ratio, summary

CONTESTANTS = sorted({name for pair in PAIRS.values() for name in pair})


def runs(seconds):
    return {f"{at} {name} {who}": seconds(at, name, who) for at in range(4) for name in ("a", "b") for who in CONTESTANTS}


def test_the_first_of_a_pair_is_faster_above_one():
    found = runs(lambda _at, _name, who: 1.0 if who == "libpython" else 2.0)
    assert ratio(found, 0, "a", PAIRS["libpython against the executable"]) == 2.0
    told = summary(found, 4, ["a", "b"])["pairs"]
    assert told["libpython against the distro's"] == {"mean": 2.0, "low": 2.0, "high": 2.0, "each": {"a": 2.0, "b": 2.0}}
    assert told["executable against the distro's"]["mean"] == 1.0


def test_a_noisy_round_widens_the_interval_and_a_slow_machine_does_not():
    slow = runs(lambda at, _name, who: (at + 1) * (1.0 if who == "executable" else 1.1))
    noisy = runs(lambda at, _name, who: 3.0 if at == 2 and who == "executable" else 1.1)
    pair = "executable against the distro's"
    assert summary(slow, 4, ["a"])["pairs"][pair]["low"] == summary(slow, 4, ["a"])["pairs"][pair]["high"] == 1.1
    told = summary(noisy, 4, ["a"])["pairs"][pair]
    assert told["low"] < told["mean"] < told["high"]


@given(st.lists(st.lists(st.floats(-2, 2), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_mean_lies_in_its_interval_which_lies_among_the_rounds(logs):
    mean, low, high = interval(logs)
    means = [math.exp(sum(one) / len(one)) for one in logs]
    assert low <= mean * (1 + 1e-9)
    assert mean <= high * (1 + 1e-9)
    assert min(means) == pytest.approx(low) or low > min(means)
    assert max(means) == pytest.approx(high) or high < max(means)
