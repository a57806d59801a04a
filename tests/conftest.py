"""Fixtures of all tests, and their order."""

# A module that others import from stands before them, so that pytest can rewrite its asserts.
pytest_plugins = ["tests.fixtures_s3", "tests.fixtures_engine", "tests.fixtures_cell", "tests.fixtures_tls"]


def pytest_collection_modifyitems(items):
    """Tests of the engine go first: among them is the one real cell, on which the longest of them wait."""
    items.sort(key=lambda item: item.get_closest_marker("engine") is None)
