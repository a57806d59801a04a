"""Ratios of runs side by side: what is claimed of them."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ratios import PAIRS, interval, key, summary

CONTESTANTS = sorted({name for pair in PAIRS.values() for name in pair})
PAIR = "executable against the distro's"


def runs(seconds, who=CONTESTANTS, names=("a", "b")):
    return {key(at, name, each): {name: seconds(at, name, each)} for at in range(4) for name in names for each in who}


def test_the_first_of_a_pair_is_faster_above_one():
    told = summary(runs(lambda _at, _name, who: 1.0 if who == "libpython" else 2.0), 4)["pairs"]
    twice = {"mean": 2.0, "low": 2.0, "high": 2.0}
    assert told["libpython against the distro's"] == {**twice, "each": {"a": twice, "b": twice}}
    assert told[PAIR]["mean"] == 1.0


def test_noisy_rounds_widen_the_interval_and_a_slow_machine_does_not():
    slow = summary(runs(lambda at, _name, who: (at + 1) * (1.0 if who == "executable" else 1.1)), 4)["pairs"][PAIR]
    noisy = summary(runs(lambda at, _name, who: 3.0 if (at >= 2) == (who == "executable") else 1.1), 4)["pairs"][PAIR]
    assert slow["low"] == slow["high"] == slow["each"]["a"]["low"] == 1.1
    assert noisy["low"] < noisy["mean"] < noisy["high"]
    assert noisy["each"]["a"]["low"] < noisy["each"]["a"]["high"]


def test_every_benchmark_of_a_script_counts_and_those_set_apart_do_not():
    quick = {"executable": {"copy": 1.0, "memo": 1.0}}
    found = {
        key(0, script, who): quick.get(who, {"copy": 4.0, "memo": 9.0}) if script == "deepcopy" else {"start": 5.0}
        for script in ("deepcopy", "start")
        for who in PAIRS[PAIR]
    }
    told = summary(found, 1, {"start"})["pairs"][PAIR]
    assert told["mean"] == 6.0  # the root of 4 times 9
    assert {name: one["mean"] for name, one in told["each"].items()} == {"copy": 4.0, "memo": 9.0, "start": 1.0}
    assert "mean" not in summary(found, 1, {"copy", "memo", "start"})["pairs"][PAIR]


def test_a_pair_of_which_one_did_not_run_is_not_told():
    assert list(summary(runs(lambda *_: 1.0, PAIRS[PAIR]), 4)["pairs"]) == [PAIR]


def test_rounds_in_which_a_neighbour_was_loud_do_not_change_the_mean():
    def seconds(at, name, who):
        loud = (at + (name == "b") + 2 * (who == "executable")) % 4 > 1
        return (1.7 if loud else 1.0) * (1.0 if who == "executable" else 1.1)

    told = summary(runs(seconds), 4)["pairs"][PAIR]
    assert told["mean"] == told["each"]["a"]["mean"] == 1.1
    assert told["low"] < told["mean"] < told["high"]  # though which of them was heard when is chance


FEW = 100
ROUNDS = st.lists(st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)), min_size=3, max_size=3), min_size=1, max_size=9)


@given(ROUNDS)
def test_the_mean_lies_in_its_interval_which_lies_among_the_rounds(rounds):
    mean, low, high = interval(rounds, resamples=FEW)
    assert low <= mean <= high
    logs = [[math.log(second / first) for first, second in each] for each in rounds]
    least, most = (math.exp(sum(map(of, zip(*logs, strict=True))) / 3) for of in (min, max))
    assert least <= low * (1 + 1e-9)
    assert high <= most * (1 + 1e-9)


@given(ROUNDS)
def test_the_other_way_round_it_is_the_reciprocal(rounds):
    turned = interval([[(second, first) for first, second in each] for each in rounds], resamples=FEW)
    assert turned[0] == pytest.approx(1 / interval(rounds, resamples=FEW)[0])


@given(ROUNDS, st.lists(st.floats(0.5, 3), min_size=9, max_size=9))
def test_a_machine_that_is_slower_for_both_changes_nothing(rounds, slower):
    alike = [[(first, 1.2 * first) for first, _ in each] for each in rounds]
    loud = [[(first * by, second * by) for first, second in each] for each, by in zip(alike, slower, strict=False)]
    assert interval(loud, resamples=FEW) == pytest.approx((1.2, 1.2, 1.2))


def test_an_interval_holds_what_is_true_on_a_machine_that_is_loud_half_the_time():
    draw = random.Random(7)

    def took(quiet):
        return quiet * (1 + 0.66 * draw.random() if draw.random() < 0.5 else 1 + 0.02 * draw.random())

    found = [interval([[(took(1.0), took(1.2))] for _ in range(9)], seed, 400) for seed in range(40)]
    assert sum(low <= 1.2 <= high for _, low, high in found) >= 36
    assert sum(low <= 1.35 <= high for _, low, high in found) < 36  # nor does it hold anything
