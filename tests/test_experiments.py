"""Experiments are facts that lie over ours, each says what it is about, and is compared with the plain build."""

from __future__ import annotations

import math

import pytest

from benchmarks.experiments.__main__ import HERE, known, pairs
from benchmarks.ratios import key, summary
from benchmarks.sections.experiments import experiments
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options

CELL = Cell.parse("3.13.15-debian13-amd64")


@pytest.mark.parametrize("name", known())
def test_an_experiment_changes_the_recipe_and_says_why(name):
    plain, changed = (
        compose(CELL, Options(optimize="pgo+lto"), facts, "") for facts in (load_facts(), load_facts(HERE / name))
    )
    assert changed.digest != plain.digest
    assert known()[name].endswith(".")


def test_each_is_compared_with_the_plain_build():
    runs = {
        key(0, "nbody", who): {"nbody": seconds}
        for who, seconds in {"plain executable": 2.0, "x executable": 1.0, "plain libpython": 3.0, "x libpython": 6.0}.items()
    }
    found = summary(runs, 1, among=pairs(["x", "was not run"]))["pairs"]
    assert {name: pair["mean"] for name, pair in found.items()} == {"x: executable": 2.0, "x: libpython": 0.5}
    assert math.isclose(found["x: executable"]["each"]["nbody"]["mean"], 2.0)


def test_the_page_tells_what_was_changed():
    one = {"mean": 1.02, "low": 1.01, "high": 1.03, "each": {"float": {"mean": 1.2}, "go": {"mean": 0.9}}}
    found = {
        "cell": str(CELL),
        "rounds": 3,
        "about": {"x": "Something else."},
        "second_link": {"plain": 0.1, "x": 0.05},
        "pairs": {"x: executable": one, "x: libpython": one},
    }
    row = "| x: Something else. | 1.02 | 1.01 to 1.03 | go 0.9 | 1.02 | 1.01 to 1.03 | 0.050 |"
    assert row in "\n".join(map(str, experiments(found)))
