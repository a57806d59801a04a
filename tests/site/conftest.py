"""A browser, and a store whose pages it looks at."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import sync_playwright

from farm.plan.cell import Cell
from farm.publish.publisher import publish
from farm.sign.keys import Signer
from farm.store.artifact import Finding, VerifiedIn
from tests.clients.shop import CHANNEL, serving
from tests.publish.staging import inputs, now, order, recipe, stage

CELLS = (
    "3.13.4-debian13-amd64",
    "3.13.5-debian13-amd64",
    "3.13.5-debian13-arm64",
    "3.14.0-debian13-amd64-freethreaded",
    "3.9.2-debian11-amd64",
)
PUBLISHED = "3.13.4-debian12-amd64"  # as a publisher does it, with all that lies beside a build
FINDINGS = (
    Finding(check="size.budget", severity="warning", message="larger than the build before"),
    Finding(check="linkage.glibc", severity="note", message="2.38"),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A store with a handful of builds, two of which were rebuilt; the last one is published, and the channel signed."""
    with serving(tmp_path_factory.mktemp("site") / "store") as found:
        for cell in CELLS:
            found.offer(cell, "2026112201")
        found.offer("3.13.5-debian13-amd64", "2026112202")
        signer = Signer.new()
        made = recipe(Cell.parse(PUBLISHED), optimize="pgo+lto")
        verified = VerifiedIn(
            runtime_image="a", builder_image="b", packages=(), passed=("run.version",), without=("debug.links",)
        )
        for attempt, gcc in enumerate(("13", "14"), start=1):
            how = {"attempt": attempt, "inputs": inputs(gcc), "channel": CHANNEL, "base_url": found.base_url, "signer": signer}
            of = order(recipe=made, **how)
            publish(found.store, stage(found.store, of, mark=gcc.encode(), findings=FINDINGS, verified=verified), of, clock=now)
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
