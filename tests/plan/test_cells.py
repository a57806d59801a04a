"""The cells that must be built for real: `make test-matrix` gives `farm submit` what it is told, optimised builds too."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from farm.cli.submit import submit
from farm.plan.compose import compose
from farm.plan.matrix import read_matrix
from farm.plan.narrow import Overrides, narrow
from tests.plan import golden

CELLS = golden.ROOT / "tests" / "e2e" / "cells.yaml"
OPTIMISED = [f"{python}-{distro}-amd64" for python in ("3.13.15", "3.14.7") for distro in ("debian12", "debian13")]


def told(*words):
    """What `make test-matrix` would have `farm submit` do, as its own command line understands it."""
    done = subprocess.run(
        ["make", "--dry-run", "test-matrix", *words], cwd=golden.ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    (line,) = (line for line in done.stdout.splitlines() if "farm submit" in line)
    return submit.make_context("submit", shlex.split(line.partition("farm submit")[2])).params


def test_the_cells_are_passed_on_and_the_matrix_decides_the_rest():
    asked = told("CELLS=3.14.7-debian13-* 3.9.2-debian11-amd64")
    assert (asked["matrix"], asked["only"]) == (
        Path("tests/e2e/cells.yaml"),
        ("3.14.7-debian13-*", "3.9.2-debian11-amd64"),
    )
    assert asked["optimize"] is None


def test_options_are_passed_on():
    asked = told("CELLS=3.14.7-debian13-amd64", "OPTIONS=--optimize pgo+lto --priority low")
    assert (asked["optimize"], asked["priority"], asked["only"]) == ("pgo+lto", "low", ("3.14.7-debian13-amd64",))


@pytest.mark.parametrize("name", OPTIMISED)
def test_an_optimised_cell_is_the_one_whose_text_is_kept(facts, root_matrix, name):
    (here,) = narrow(read_matrix(CELLS.read_bytes(), CELLS.name, facts), [name], Overrides(optimize="pgo+lto")).cells
    (there,) = (asked for asked in root_matrix.cells if str(asked.cell) == name)
    assert compose(here.cell, here.options, facts, "code") == compose(there.cell, there.options, facts, "code")
    kept = golden.GOLDENS[golden.ROOT / "matrix.yaml"].read_text().splitlines()
    assert f"{name} pgo+lto stable" in kept
