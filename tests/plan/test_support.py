"""What a plan says of ends of life, and of distros that nobody has built on."""

from __future__ import annotations

from datetime import date

import pytest

from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.plan.support import notes

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
