"""Fixtures of all tests, and their order."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# A module that others import from stands before them, so that pytest can rewrite its asserts.
pytest_plugins = ["tests.fixtures_s3", "tests.fixtures_engine", "tests.fixtures_cell", "tests.fixtures_tls"]


def pytest_configure():
    """Signals end processes as on a terminal, children too, although tests may be run where they are ignored (`nohup`, `&`)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


# Seconds. The first of them waits for the one real cell, a compilation that other processes of a shared machine slow down.
ENGINE_TIMEOUT = 2400

# How long an example takes says how busy the machine is; a test that hangs has its own time limit.
settings.register_profile("farm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("farm")


def pytest_collection_modifyitems(items):
    """Tests of the engine go first: among them is the one real cell, on which the longest of them wait."""
    items.sort(key=lambda item: item.get_closest_marker("engine") is None)
    for item in items:
        if item.get_closest_marker("engine") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(ENGINE_TIMEOUT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """In CI nothing is skipped because a tool is missing: whoever may be says so with the mark `optional`."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") and not item.get_closest_marker("optional"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report
