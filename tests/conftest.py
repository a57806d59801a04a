"""Fixtures of all tests."""

pytest_plugins = ["tests.fixtures_engine", "tests.fixtures_s3"]
