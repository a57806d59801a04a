"""A browser, and a store whose pages it looks at."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.clients.shop import serving

CELLS = (
    "3.13.4-debian13-amd64",
    "3.13.5-debian13-amd64",
    "3.13.5-debian13-arm64",
    "3.14.0-debian13-amd64-freethreaded",
    "3.9.2-debian11-amd64",
    "3.13.4-debian12-amd64",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A store with a handful of builds, one of which was rebuilt."""
    with serving(tmp_path_factory.mktemp("site") / "store") as found:
        for cell in CELLS:
            found.offer(cell, "2026112201")
        found.offer("3.13.5-debian13-amd64", "2026112202")
        yield found


@pytest.fixture(scope="session")
def chromium():
    """The distro's Chromium without a window; each page of it is told apart by what it asked for and what it complained of."""
    if not (program := shutil.which("chromium")):
        pytest.skip("Chromium is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()
