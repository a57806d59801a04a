"""Facts and the root matrix, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.plan.facts import load_facts
from farm.plan.matrix import read_matrix

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def facts():
    return load_facts()


@pytest.fixture(scope="session")
def root_matrix(facts):
    return read_matrix((ROOT / "matrix.yaml").read_bytes(), "matrix.yaml", facts)
