"""What a plan says of ends of life, and of distros that nobody has built on."""

from __future__ import annotations

from datetime import date

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.support import natives, notes

CELLS = tuple(map(Cell.parse, ("3.13.5-debian13-amd64", "3.13.15-debian13-amd64", "3.9.2-debian13-amd64")))


def test_a_series_past_its_end_is_told_with_its_cells(facts):
    told = list(notes(CELLS, facts, date(2026, 11, 22)))
    assert told == [
        "Python 3.9 is past its end of life since 2025-10-31 (1 cell): nobody publishes security fixes for it",
    ]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2029, 4, 30), ""),
        (date(2029, 5, 2), "near its end of life, 2029-10-31 (2 cells)"),
        (date(2029, 10, 31), "near its end of life"),
        (date(2029, 11, 1), "past its end of life since 2029-10-31 (2 cells)"),
    ],
)
def test_the_half_year_before_the_end_is_near(facts, day, said):
    told = [note for note in notes(CELLS[:2], facts, day) if note.startswith("Python 3.13 ")]
    assert len(told) == bool(said)
    assert all(said in note for note in told)


def test_a_distro_has_an_end_too(facts):
    assert list(notes([Cell.parse("3.14.7-debian11-amd64")], facts, date(2026, 11, 22))) == [
        "debian11 is past its end of life since 2026-08-31 (1 cell): nobody publishes security fixes for it"
    ]


def test_an_untested_distro_is_told_with_the_reason(tmp_path):
    (tmp_path / "distros").mkdir()
    text = 'inherits = "debian13"\nuntested = "its image was never had"\n'
    (tmp_path / "distros" / "mint1.toml").write_text(text)
    told = notes([Cell.parse("3.14.7-mint1-amd64")], load_facts(tmp_path), date(2026, 11, 22))
    assert list(told) == ["mint1 is untested (1 cell): its image was never had"]


def test_a_distro_without_suites_needs_a_registry(facts):
    told = "".join(notes([Cell.parse("3.13.15-alpine3.22-amd64")], facts, date(2026, 11, 22)))
    assert "alpine3.22 is untested (1 cell): no cell was built on it yet" in told
    assert "alpine3.22 needs a registry (1 cell): its base image can only be pulled" in told
    assert not [note for note in notes(CELLS, facts, date(2026, 11, 22)) if "registry" in note]


@pytest.mark.parametrize(
    ("cell", "optimize", "native"),
    [
        ("3.14.7-debian13-arm64", "none", False),
        ("3.14.7-debian13-arm64", "pgo+lto", True),
        ("3.9.2-debian11-arm64", "none", True),
        ("2.7.18-debian11-arm64", "none", True),
        ("3.13.15-fedora44-arm64", "none", True),
        ("3.14.7-debian13-amd64", "pgo+lto", False),
    ],
)
def test_what_is_not_cross_compiled_needs_a_worker_of_its_arch(facts, cell, optimize, native):
    recipe = compose(Cell.parse(cell), Options(optimize), facts, "code")
    said = [f"needs a worker on arm64 (1 cell, e.g. {cell}): not cross-compiled"]
    assert list(natives([recipe], facts)) == (said if native else [])


def test_a_plan_says_what_needs_a_worker_of_another_arch(facts, root_matrix):
    recipes = [compose(asked.cell, asked.options, facts, "code") for asked in root_matrix.cells]
    (told,) = natives(recipes, facts)
    assert f"({sum(recipe.cell.arch == 'arm64' for recipe in recipes)} cells, e.g. " in told
