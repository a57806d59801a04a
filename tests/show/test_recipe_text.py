"""A recipe and its reasons as text and as JSON."""

from __future__ import annotations

import json

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import Decision, compose, decisions
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.show import recipe as show

CELL = Cell.parse("3.13.5-debian13-amd64")


@pytest.fixture(scope="module")
def made():
    return compose(CELL, Options(), load_facts(), "code")


def test_the_whole_recipe_is_there(made):
    text = "\n".join(show.lines(made))
    parts = [
        made.digest,
        made.source.sha256,
        *made.configure,
        *made.build_packages,
        *(package.name for package in made.runtime),
        *(patch.sha256 for patch in made.patches),
        *(trim.glob for trim in made.trims),
        *(rule.name for rule in made.modules),
        *made.scrub,
    ]
    words = " ".join(text.split())
    assert [part for part in parts if part not in words] == []
    assert "libtk8.6; optional; for _tkinter; libtk8.6.so" in words
    assert "_scproxy (must not be there)" in words


def test_json_has_every_field(made):
    found = json.loads(json.dumps(show.data(made)))
    assert found["cell"] == str(CELL)
    assert found["digest"] == made.digest
    assert found["configure"] == list(made.configure)


def test_reasons_stand_under_what_they_are_for():
    lines = list(
        show.reasons([Decision("make", "-a", "one", "url"), Decision("make", "-b", "one", "url"), Decision("x", "-c", "two")])
    )
    assert lines == ["make", "  -a  -b", "      one", "      url", "", "x", "  -c", "      two", ""]


def test_every_decision_is_shown():
    found = decisions(CELL, Options(), load_facts())
    words = " ".join(" ".join(show.reasons(found)).split())
    assert [one for one in found if one.value not in words or one.why not in words or one.link not in words] == []
