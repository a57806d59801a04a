"""A plan as text and as JSON."""

from __future__ import annotations

import json

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.fate import plan
from farm.plan.matrix import Asked, Matrix
from farm.plan.options import Options
from farm.show import plan as show
from farm.store import keys

CELL = Cell.parse("3.13.5-debian13-amd64")
OLD = Cell.parse("2.7.18-debian13-amd64-debug")
NONE = Options("none", channel="dev")


@pytest.fixture(scope="module")
def planned():
    facts = load_facts()
    cells = (Asked(CELL, NONE), Asked(Cell.parse("3.14.7-debian12-arm64"), Options()), Asked(OLD, Options()))
    builds = [keys.published(CELL, "2026112201", compose(CELL, NONE, facts, "before").digest, "0" * 64, "dev")]
    return plan(Matrix(cells, ("a note",)), facts, builds, {}, "code")


def test_every_cell_stands_with_its_fate_and_why(planned):
    lines = list(show.lines(planned, {CELL: ["make: +CC=clang"]}))
    assert lines[0].split(maxsplit=4) == [str(CELL), "stale", "none", "dev", "the recipe has changed since 2026112201"]
    assert lines[1].strip() == "make: +CC=clang"
    assert lines[2].endswith("pgo+lto stable  never published")
    assert "from Python 3.9 on" in lines[3]


def test_the_summary_has_counts_order_estimates_and_notes(planned):
    assert list(show.summary(planned)) == [
        "3 cells: 1 to build, 1 stale, 1 impossible",
        "order: debian12-arm64 (1 cell, 17 min), debian13-amd64 (1 cell, 5 min)",
        "estimates: 22 min on two cores, 2.2 GB of disk for each cell built at once, 340 MB more in the store",
        "note: a note",
    ]


def test_nothing_to_do_has_no_estimates():
    facts = load_facts()
    builds = [keys.published(CELL, "2026112201", compose(CELL, NONE, facts, "code").digest, "0" * 64, "dev")]
    made = plan(Matrix((Asked(CELL, NONE),)), facts, builds, {}, "code")
    assert list(show.summary(made)) == ["1 cell: 1 published"]


def test_json(planned):
    found = json.loads(json.dumps(show.data(planned, {CELL: ["x"]})))
    assert found["counts"] == {"build": 1, "stale": 1, "published": 0, "impossible": 1}
    assert found["order"] == ["3.14.7-debian12-arm64", str(CELL)]
    assert found["estimates"]["seconds"] == planned.seconds
    first = found["cells"][0]
    assert (first["fate"], first["changes"], first["newest_build"]) == ("stale", ["x"], "2026112201")
    assert first["recipe"] == planned.cells[0].recipe.digest
    assert found["cells"][2]["recipe"] is None


@pytest.mark.parametrize(("seconds", "text"), [(10, "1 min"), (320, "5 min"), (3600, "1 h 0 min"), (11880, "3 h 18 min")])
def test_durations(seconds, text):
    assert show.duration(seconds) == text
