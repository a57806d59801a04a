"""What uv reads, what it refuses, what it writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.build.relocate import render_sysconfig
from workers.verify import uv

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)  # as lines of a Makefile are
VALUES = st.dictionaries(NAMES, st.one_of(TEXTS, st.integers(-(2**31), 2**31 - 1)), max_size=8)


def text(literal: str) -> str:
    return f"{uv.HEADER}build_time_vars = {literal}\n"


@given(VALUES)
def test_what_the_build_writes_uv_reads(values):
    assert uv.parse(render_sysconfig(values)) == values


@pytest.mark.parametrize(
    ("literal", "values"),
    [
        ("{}", {}),
        ("{ 'A' : 'b' ,\n 'C' : 7,}", {"A": "b", "C": 7}),
        ("{'A': 'one '\n      \"two\", 'B': -3}", {"A": "one two", "B": -3}),
        (r"{'A': '\\ \' \"'}", {"A": "\\ ' \""}),
        ("{'A': ''}\nimport os  # what follows is not read", {"A": ""}),
    ],
)
def test_parse(literal, values):
    assert uv.parse(text(literal)) == values


@pytest.mark.parametrize(
    "literal",
    [
        "dict(A=1)",
        "{'A': None}",
        "{'A': 1.5}",
        r"{'A': 'tab\t'}",
        "{'A': f''}",
        "{'A': 'x'",
        "{A: 1}",
        "{'A': ('b')}",
        "{'A': 'b' 1}",
    ],
)
def test_what_is_refused(literal):
    with pytest.raises(uv.Refused):
        uv.parse(text(literal))


@pytest.mark.parametrize("whole", ["", "# other\nbuild_time_vars = {}\n", uv.HEADER, uv.HEADER + "\nbuild_time_vars = {}\n"])
def test_the_first_two_lines_are_fixed(whole):
    with pytest.raises(uv.Refused):
        uv.parse(whole)


def test_words_that_start_with_the_prefix_move_and_code_goes():
    written = uv.sysconfigdata(text("{'A': '/install /install/lib -L/install/lib', 'N': 1}") + "import os\n", "/home/a b/py")
    namespace: dict = {}
    exec(written, namespace)
    assert namespace["build_time_vars"] == {
        "A": "/home/a b/py /home/a b/py/lib -L/install/lib",
        "N": 1,
        "PYTHON_BUILD_STANDALONE": 1,
    }
    assert "import os" not in written


def test_pkgconfig():  # and tests/clients/test_uv_archives.py, by uv itself
    assert uv.pkgconfig("prefix=/install\nlibdir=/install/lib\n") == "prefix=${pcfiledir}/../..\nlibdir=/install/lib"
