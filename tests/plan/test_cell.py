"""Cells and versions: what is written parses back, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import BadInput
from farm.plan.cell import VARIANTS, Cell, Version

NUMBER = st.integers(0, 9999)
VERSIONS = st.builds(
    Version, NUMBER, NUMBER, NUMBER, st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from(["a", "b", "rc"]), NUMBER))
)
CELLS = st.builds(
    Cell,
    VERSIONS,
    st.from_regex(r"[a-z]{1,8}[0-9]{1,2}(\.[0-9]{2})?", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    st.sampled_from(VARIANTS),
)


@given(CELLS)
def test_a_cell_parses_back(cell):
    assert Cell.parse(str(cell)) == cell


@given(VERSIONS, VERSIONS)
def test_versions_are_ordered_and_equal_as_their_keys(one, other):
    assert (one < other) == (one.key < other.key)
    assert (one <= other) == (one.key <= other.key)
    assert Version.parse(str(one)) == one


@given(st.text(max_size=40))
def test_text_is_a_cell_only_if_it_prints_back(text):
    try:
        cell = Cell.parse(text)
    except BadInput:
        return
    assert str(cell) == text


def test_a_prerelease_comes_before_its_release():
    ordered = ["3.14.7", "3.15.0a1", "3.15.0b2", "3.15.0rc1", "3.15.0rc2", "3.15.0rc10", "3.15.0", "3.15.1"]
    assert sorted(map(Version.parse, reversed(ordered)), key=lambda version: version.key) == list(map(Version.parse, ordered))


@pytest.mark.parametrize(
    "text",
    [
        "3.13-debian13-amd64",
        "3.13.5-debian-amd64",
        "3.13.5-debian13",
        "3.13.5-debian13-amd64-default",
        "3.13.5-debian13-amd64-fast",
        "3.013.5-debian13-amd64",
        "3.13.5-debian13-amd64\n",
        "٣.13.5-debian13-amd64",
        "",
    ],
)
def test_what_is_no_cell(text):
    with pytest.raises(BadInput):
        Cell.parse(text)
