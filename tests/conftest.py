"""Fixtures of all tests, and how they are shared out among processes."""

import pytest

# A module that others import from stands before them, so that pytest can rewrite its asserts.
pytest_plugins = ["tests.fixtures_s3", "tests.fixtures_engine", "tests.fixtures_cell", "tests.fixtures_tls"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests of the engine go first and to one process, which shares the one real cell; the others fill the rest."""
    items.sort(key=lambda item: item.get_closest_marker("engine") is None)
    for item in items:
        if item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.xdist_group("engine"))
