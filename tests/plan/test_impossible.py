"""What cannot be built, or is not offered: that it is said, why, and how that is known."""

from __future__ import annotations

import pytest

from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.plan.options import Options
from farm.plan.rows import ImpossibleRow
from farm.plan.selection import impossible
from tests.plan.conftest import NONE, recipe


def test_no_cell_of_the_root_matrix_is_impossible(facts, root_matrix):
    assert not [asked.cell for asked in root_matrix.cells if impossible(asked.cell, asked.options, facts)]


def test_hashed_bytecode_is_impossible_before_3_7(facts):
    options = Options(optimize="none", bytecode="unchecked-hash", channel="dev")
    assert "from Python 3.7 on" in impossible(Cell.parse("2.7.18-debian11-amd64"), options, facts)
    assert not impossible(Cell.parse("3.9.2-debian11-amd64"), options, facts)
    assert not impossible(Cell.parse("2.7.18-debian11-amd64"), Options(optimize="none", bytecode="none", channel="dev"), facts)


@pytest.mark.parametrize(
    ("cell", "options", "known"),
    [
        ("2.7.18-debian11-amd64", Options("none", "unchecked-hash"), "(tried on 2026-11-29: 2.7.18: AttributeError: "),
        ("3.14.7-debian13-amd64-debug", Options("pgo"), "(not offered, by choice)"),
        ("3.14.7-rocky8-amd64", NONE, "(tried on 2026-11-29: 3.14.7 beside a libzstd that says 1.4.4: "),
        ("3.14.7-alpine3.22-amd64", Options("pgo"), "(not offered, by choice)"),
    ],
)
def test_what_is_impossible_says_how_that_is_known(facts, cell, options, known):
    assert known in impossible(Cell.parse(cell), options, facts)


def test_nothing_is_called_impossible_that_nobody_tried(facts):
    assert [key for key, row in facts.impossible.items() if not (row.tried or row.policy)] == []
    believed = ImpossibleRow(why="somebody says so")
    assert believed.reason == "somebody says so (not tried)"


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("3.11.2-debian12-amd64-freethreaded", "is offered from Python 3.13 on"),
        ("2.7.18-debian11-amd64-debug", "is offered from Python 3.9 on"),
        ("3.13.6-debian13-amd64", "source for Python '3.13.6' (did you mean '3.13.5'?)"),
        ("3.13.5-debian14-amd64", "distro 'debian14' (did you mean"),
        ("3.13.5-debian13-riscv64", "arch 'riscv64' (there are: amd64, arm64)"),
    ],
)
def test_what_cannot_be_built_says_why(facts, cell, part):
    with pytest.raises(BadInput) as caught:
        recipe(cell, facts)
    assert part in caught.value.message
    assert cell in caught.value.message


def test_a_debug_variant_is_not_optimised(facts):
    with pytest.raises(BadInput, match="optimize: none"):
        recipe("3.13.5-debian13-amd64-debug", facts, Options())
