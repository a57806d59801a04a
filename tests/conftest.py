"""Fixtures of all tests."""

# A module that others import from stands before them, so that pytest can rewrite its asserts.
pytest_plugins = ["tests.fixtures_s3", "tests.fixtures_engine", "tests.fixtures_cell"]
