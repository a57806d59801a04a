"""A module of the standard library whose optional library is missing says what to install."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options

SCRIPT = files("workers.build").joinpath("scripts", "advise.sh")
TKINTER = (
    "import sys\n\nimport _tkinter # If this fails your Python may not be configured for Tk\nTclError = _tkinter.TclError\n"
)


def advice(cell):
    return compose(Cell.parse(cell), Options("none"), load_facts(), "code").advice


def advise(file, one):
    return subprocess.run(["sh", SCRIPT, file, one.module, one.sentence], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("cell", "file"),
    [("2.7.18-debian12-amd64", "Lib/lib-tk/Tkinter.py"), ("3.15.0rc2-debian13-amd64", "Lib/tkinter/__init__.py")],
)
def test_each_version_has_its_file(cell, file):
    (one,) = advice(cell)
    assert (one.file, one.module) == (file, "_tkinter")
    assert one.sentence.endswith(": apt-get install libtcl8.6 libtk8.6")


@pytest.mark.parametrize("there", [True, False])
def test_the_module_says_what_to_install(tmp_path, there):
    (one,) = advice("3.14.7-debian13-amd64")
    front = tmp_path / "tkinter.py"
    front.write_text(TKINTER)
    assert advise(front, one).returncode == 0
    stub = "TclError = 1\n" if there else "raise ImportError('libtk8.6.so: cannot open shared object file')\n"
    (tmp_path / "_tkinter.py").write_text(stub)
    done = subprocess.run(
        [sys.executable, "-c", "import tkinter; print(tkinter.TclError)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if there:
        assert done.stdout == "1\n"
    else:
        last = done.stderr.splitlines()[-1]
        assert last == f"ImportError: libtk8.6.so: cannot open shared object file; {one.sentence}"


def test_a_source_that_changed_is_noticed(tmp_path):
    (one,) = advice("3.14.7-debian13-amd64")
    front = tmp_path / "tkinter.py"
    front.write_text("from _tkinter import *\n")
    done = advise(front, one)
    assert done.returncode == 1
    assert "has no line 'import _tkinter'" in done.stdout
