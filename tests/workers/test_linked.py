"""Modules are linked in by the source's own lines, and one that the source does not have is a mistake."""

from __future__ import annotations

import subprocess
from importlib.resources import files

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options

SCRIPT = files("workers.build").joinpath("scripts", "linked.sh")
STDLIB = (
    "# @MODULE_OLD_TRUE@old old.c\n*@MODULE_BUILDTYPE@*\n@MODULE__JSON_TRUE@_json _json.c\n"
    "@MODULE_MATH_TRUE@math mathmodule.c -DX=1 # as configure found\n@MODULE_MATHS_TRUE@maths\tmaths.c\n"
)


def linked(folder, *names):
    source, target = folder / "Setup.stdlib.in", folder / "build" / "Modules" / "Setup.local"
    source.write_text(STDLIB)
    done = subprocess.run(["sh", SCRIPT, source, target, *names], capture_output=True, text=True, check=False)
    return done, target


def test_lines_are_those_of_the_source(tmp_path):
    done, target = linked(tmp_path, "math", "_json", "maths")
    assert done.returncode == 0
    assert target.read_text() == "*static*\nmath mathmodule.c -DX=1 # as configure found\n_json _json.c\nmaths\tmaths.c\n"


@pytest.mark.parametrize("name", ["old", "mat", "json", "MATH"])
def test_what_the_source_does_not_have_is_named(tmp_path, name):
    done, _ = linked(tmp_path, "math", name)
    assert done.returncode == 1
    assert f"has no module {name}: correct the row of linked.toml" in done.stdout


@pytest.mark.parametrize(
    ("cell", "has", "lacks"),
    [
        ("3.13.15-debian13-amd64", {"_json", "_datetime", "select"}, {"zlib", "_ssl", "pyexpat"}),
        ("3.14.7-debian12-arm64", {"_json", "select"}, {"_datetime", "_contextvars"}),
        ("3.11.2-debian12-amd64", {"_json", "_datetime", "_contextvars"}, {"zlib", "binascii"}),
        ("3.9.2-debian11-amd64", set(), {"_json"}),
    ],
)
def test_modules_of_a_cell(cell, has, lacks):
    names = set(compose(Cell.parse(cell), Options("none"), load_facts(), "code").linked)
    assert names & (has | lacks) == has
