"""Ratios of runs side by side: what is claimed of them."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ratios import PAIRS, interval, key, summary, turns

CONTESTANTS = sorted({name for pair in PAIRS.values() for name in pair})
PAIR = "executable against the distro's"


def runs(seconds, who=CONTESTANTS, names=("a", "b")):
    """Runs of four rounds of three turns: `seconds` is given the number of the turn, of all of them."""
    return {
        key(at, name, each): {name: [seconds(3 * at + turn, name, each) for turn in range(3)]}
        for at in range(4)
        for name in names
        for each in who
    }


def test_the_first_of_a_pair_is_faster_above_one():
    told = summary(runs(lambda _at, _name, who: 1.0 if who == "libpython" else 2.0), 4)["pairs"]
    twice = {"mean": 2.0, "low": 2.0, "high": 2.0}
    assert told["libpython against the distro's"] == {**twice, "each": {"a": twice, "b": twice}}
    assert told[PAIR]["mean"] == 1.0


def test_noisy_rounds_widen_the_interval_and_a_slow_machine_does_not():
    slow = summary(runs(lambda at, _name, who: (at + 1) * (1.0 if who == "executable" else 1.1)), 4)["pairs"][PAIR]
    noisy = summary(runs(lambda at, _name, who: 3.0 if (at >= 6) == (who == "executable") else 1.1), 4)["pairs"][PAIR]
    assert slow["low"] == slow["high"] == slow["each"]["a"]["low"] == 1.1
    assert noisy["low"] < noisy["mean"] < noisy["high"]
    assert noisy["each"]["a"]["low"] < noisy["each"]["a"]["high"]


def test_every_benchmark_of_a_script_counts_and_those_set_apart_do_not():
    quick = {"executable": {"copy": [1.0], "memo": [1.0]}}
    found = {
        key(0, script, who): quick.get(who, {"copy": [4.0], "memo": [9.0]}) if script == "deepcopy" else {"start": [5.0]}
        for script in ("deepcopy", "start")
        for who in PAIRS[PAIR]
    }
    told = summary(found, 1, {"start"})["pairs"][PAIR]
    assert told["mean"] == 6.0  # the root of 4 times 9
    assert {name: one["mean"] for name, one in told["each"].items()} == {"copy": 4.0, "memo": 9.0, "start": 1.0}
    assert "mean" not in summary(found, 1, {"copy", "memo", "start"})["pairs"][PAIR]


def test_a_pair_of_which_one_did_not_run_is_not_told():
    assert list(summary(runs(lambda *_: 1.0, PAIRS[PAIR]), 4)["pairs"]) == [PAIR]


def test_turns_in_which_a_neighbour_was_loud_for_both_change_nothing_and_few_for_one_do_not_change_the_mean():
    def seconds(at, name, who):
        loud = at % 2 or (at % 5 == 0 and who == "executable")
        return (1.7 if loud else 1.0) * (1.0 if who == "executable" else 1.1)

    told = summary(runs(seconds), 4)["pairs"][PAIR]
    assert told["mean"] == told["each"]["a"]["mean"] == 1.1


def test_turns_of_which_one_has_no_other_are_refused():
    assert turns([1.0, 2.0], [2.0, 4.0]) == [math.log(2), math.log(2)]
    with pytest.raises(ValueError, match="shorter"):
        turns([1.0, 2.0], [2.0])


SECONDS = st.floats(0.1, 9)
BENCHMARK = st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=4)
ROUNDS = st.lists(st.lists(BENCHMARK, min_size=3, max_size=3), min_size=1, max_size=6)


def logs(rounds):
    return [[turns(*zip(*benchmark, strict=True)) for benchmark in each] for each in rounds]


@given(ROUNDS)
def test_the_mean_lies_among_the_turns_and_in_the_middle_of_its_interval(rounds):
    mean, low, high = interval(logs(rounds))
    assert low <= mean <= high
    assert mean == pytest.approx(math.sqrt(low * high))
    columns = [[turn for turns in column for turn in turns] for column in zip(*logs(rounds), strict=True)]
    least, most = (math.exp(sum(map(of, columns)) / 3) for of in (min, max))
    assert least <= mean * (1 + 1e-9)
    assert mean <= most * (1 + 1e-9)


@given(ROUNDS)
def test_the_other_way_round_it_is_the_reciprocal(rounds):
    mean, low, high = interval(logs(rounds))
    turned = interval([[[-turn for turn in turns] for turns in each] for each in logs(rounds)])
    assert turned == pytest.approx((1 / mean, 1 / high, 1 / low))


@given(ROUNDS, st.lists(st.floats(0.5, 3), min_size=6, max_size=6))
def test_a_machine_that_is_slower_for_both_changes_nothing(rounds, slower):
    loud = [
        [turns([first * by for first, _ in each], [1.2 * first * by for first, _ in each]) for each in benchmarks]
        for benchmarks, by in zip(rounds, slower, strict=False)
    ]
    assert interval(loud) == pytest.approx((1.2, 1.2, 1.2))


@given(st.lists(BENCHMARK, min_size=1, max_size=3))
def test_of_one_round_or_of_the_same_rounds_the_interval_has_no_width(benchmarks):
    for rounds in (1, 4):
        mean, low, high = interval(logs([benchmarks] * rounds))
        assert low == pytest.approx(mean)
        assert high == pytest.approx(mean)


def test_fewer_rounds_that_differ_as_much_say_less():
    few, many = ([[[0.1]], [[0.2]]] * times for times in (1, 3))
    assert interval(few)[2] > interval(many)[2] > interval(many)[0]


@pytest.mark.parametrize("benchmarks", [1, 10])
def test_an_interval_holds_what_is_true_on_a_machine_that_is_loud_half_the_time(benchmarks):
    """It is loud for a while, most often longer than a turn takes."""
    draw = random.Random(7)

    def measured():
        loud, first, second = False, [], []
        for took, quiet in [(first, 1.0), (second, 1.2)] * 20:
            loud = draw.random() < 0.5 if draw.random() < 0.3 else loud
            took.append(quiet * (1.66 if loud else 1.0) * (1 + 0.02 * draw.random()))
        return turns(first, second)

    found = [interval([[measured() for _ in range(benchmarks)] for _ in range(5)]) for _ in range(400)]
    assert 0.93 <= sum(low <= 1.2 <= high for _, low, high in found) / 400 <= 0.97
    assert sum(high - low < 0.03 for _, low, high in found) / 400 > 0.95
