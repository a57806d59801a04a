"""The own Pythons of the distros, as they once told, against our recipes: nothing is unexplained, and no row is idle."""

from __future__ import annotations

import json
import re
from functools import cache, partial
from pathlib import Path

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.yardstick import DifferenceRow, difference_rows, features
from farm.show import yardstick as show
from farm.wire.yardstick import Yardstick
from farm.yardstick.compare import compare

FACTS = cache(load_facts)
ROWS = cache(partial(difference_rows, None))
TOLD = sorted((Path(__file__).parent / "told").glob("*.json"))


def audited(told, rows=None):
    facts, cell = FACTS(), Cell.parse(told["cell"])
    recipe = compose(cell, Options(optimize="none"), facts, "")
    given = Yardstick.model_validate(told)
    return compare(given, recipe, facts.place(cell, "none"), ROWS() if rows is None else rows, features(None))


def told_by(name):
    return json.loads(next(path for path in TOLD if path.stem == name).read_text())


def test_every_distro_told_something():
    assert [path.stem for path in TOLD] == ["debian11-2.7", "debian11-3.9", "debian12-3.11", "debian13-3.13"]


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.stem)
def test_every_difference_is_explained_and_every_row_explains_one(path):
    audit = audited(json.loads(path.read_text()))
    assert audit.unexplained == ()
    assert audit.unmatched == ()
    assert len(audit.differences) > 50
    assert {one.subject for one in audit.everything} == {
        "configure", "flag", "module", "library", "package", "hardening", "linkage", "unicode",
    }  # fmt: skip


def test_every_row_is_used_by_some_distro():
    rows = ROWS()
    seen = [one for path in TOLD for one in _differences(path)]
    used = {key for key, row in rows.items() if any(_reads(row, one) for one in seen)}
    assert sorted(rows.keys() - used) == []


def _differences(path):
    return audited(json.loads(path.read_text())).differences


def _reads(row, one):
    return (row.subject, row.theirs, row.ours) == (one.subject, one.theirs, one.ours) and one.name in row.names


CHANGES = {
    "an argument more": lambda told: told["arguments"].append("--with-tsc"),
    "an argument with another value": lambda told: told["arguments"].append("--with-wheel-pkg-dir=/elsewhere"),
    "a flag more": lambda told: told["flags"].append("-fomit-frame-pointer"),
    "a module less": lambda told: told["shared"].remove("_ssl"),
    "a module of the distro that we lack": lambda told: told["shared"].append("_apt"),
    "a library more": lambda told: told["libraries"].append(
        {"soname": "libedit.so.2", "package": "libedit2", "development": ""}
    ),
    "a package more": lambda told: told["requires"].append("tzdata-legacy"),
    "hardening that ours lacks": lambda told: told["hardening"].update({"shadow stack": ["executable"]}),
    "hardening in fewer parts": lambda told: told["hardening"].update({"relro": ["modules"]}),
    "an executable that needs libpython": lambda told: told.update(needs_libpython=["executable"]),
    "narrow unicode": lambda told: told.update(maxunicode=0xFFFF),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_is_unexplained(change):
    told = told_by("debian13-3.13")
    change(told)
    assert len(audited(told).unexplained) == 1


def test_a_row_that_explains_what_is_no_difference_is_told():
    told = told_by("debian13-3.13")
    told["arguments"].remove("--with-dtrace")
    assert audited(told).unmatched == ("row 'dtrace': configure --with-dtrace: yes there, - here",)


def test_a_row_has_no_wildcards():
    row = DifferenceRow(subject="configure", names=("--with-*",), theirs="yes", why="all that they have")
    audit = audited(told_by("debian13-3.13"), {"all": row})
    assert len(audit.unmatched) == 1
    assert len(audit.unexplained) == len(audit.differences)


def test_the_text_has_every_difference_with_its_reason_and_the_sizes():
    told = told_by("debian13-3.13")
    told["shared"].append("_apt")
    text = "\n".join(show.lines(Yardstick.model_validate(told), audited(told), {"executable": 6_000_000}, everything=False))
    assert re.search(r"^  --with-dtrace +theirs yes, ours -\n +\w", text, re.MULTILINE)
    assert re.search(r"^  _apt +theirs shared, ours -\n +UNEXPLAINED$", text, re.MULTILINE)
    assert "executable      theirs 6832, ours 6000" in text
    assert text.count("UNEXPLAINED") == 1
    assert "1 unexplained" in text
    assert "zlib1g" not in text


def test_the_text_of_everything_has_what_is_the_same_and_the_package_to_build_with():
    told = told_by("debian13-3.13")
    text = "\n".join(show.lines(Yardstick.model_validate(told), audited(told), {}, everything=True))
    assert re.search(r"^  libz\.so\.1 +both yes\n +\(zlib1g, built with zlib1g-dev\)$", text, re.MULTILINE)
    assert "ours is not published here" in text
    found = show.data(Yardstick.model_validate(told), audited(told), {})
    assert found["unexplained"] == 0
    assert len(found["differences"]) + len(found["same"]) > 200
