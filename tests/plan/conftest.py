"""Facts and the root matrix, read once, and recipes of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.matrix import read_matrix
from farm.plan.options import Options
from farm.plan.selection import impossible

ROOT = Path(__file__).parents[2]
NONE = Options(optimize="none", channel="dev")


@pytest.fixture(scope="session")
def facts():
    return load_facts()


@pytest.fixture(scope="session")
def root_matrix(facts):
    return read_matrix((ROOT / "matrix.yaml").read_bytes(), "matrix.yaml", facts)


def recipe(text, facts, options=NONE):
    return compose(Cell.parse(text), options, facts, "code")


def every_cell(facts):
    for version, distro, arch, variant in itertools.product(facts.versions, facts.distros, facts.arches, facts.variants):
        for optimize in ("none", "pgo", "pgo+lto"):
            cell, options = Cell(version, distro, arch, variant), Options(optimize=optimize)
            if not impossible(cell, options, facts):
                yield cell, options
