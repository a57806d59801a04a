"""A part of a matrix with other options, as the command line asks for it."""

from __future__ import annotations

import pytest

from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.plan.matrix import Asked, Matrix
from farm.plan.narrow import Overrides, narrow
from farm.plan.options import Options

NAMES = ["3.13.5-debian13-amd64", "3.13.5-debian12-amd64", "3.14.7-debian13-arm64-freethreaded"]
MATRIX = Matrix(tuple(Asked(Cell.parse(name), Options()) for name in NAMES), ("a note",))


def kept(*only):
    return [str(asked.cell) for asked in narrow(MATRIX, only, Overrides()).cells]


@pytest.mark.parametrize(
    ("only", "found"),
    [
        ([], NAMES),
        ([NAMES[1]], [NAMES[1]]),
        (["3.13*"], NAMES[:2]),
        (["*-arm64*", "*debian13-amd64"], [NAMES[0], NAMES[2]]),
        ([NAMES[2], NAMES[2], "3.14*"], [NAMES[2]]),
        (["3.1[34].?-debian13-*"], [NAMES[0], NAMES[2]]),
    ],
)
def test_only(only, found):
    assert kept(*only) == found


@pytest.mark.parametrize("pattern", ["3.13.5-debian13-arm64", "3.13.6-debian13-amd64", "3.12*debian13*", "nonsense"])
def test_what_matches_nothing_is_a_mistake_with_the_nearest_cells(pattern):
    with pytest.raises(BadInput) as caught:
        kept(pattern, NAMES[0])
    assert f"--only {pattern}" in caught.value.message
    assert NAMES[0] in caught.value.hint


def test_a_pattern_that_matches_does_not_hide_one_that_does_not():
    with pytest.raises(BadInput, match=r"2\.7"):
        kept("3.13*", "2.7*")


def test_overrides():
    changed = narrow(MATRIX, [], Overrides("pgo", "testing"))
    assert {asked.options for asked in changed.cells} == {Options("pgo", None, "split", "testing")}
    assert changed.notes == MATRIX.notes


def test_unoptimised_builds_only_reach_dev():
    assert {asked.options.channel for asked in narrow(MATRIX, [], Overrides("none")).cells} == {"dev"}
    quick = Matrix((Asked(MATRIX.cells[0].cell, Options("none", channel="dev")),))
    assert narrow(quick, [], Overrides(channel="stable")).cells[0].options.channel == "dev"
    with pytest.raises(BadInput, match="only the dev channel"):
        Overrides("none", "stable")
