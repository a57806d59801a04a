"""How long Chromium takes to show the catalog of a channel with many artifacts, from a folder.

Usage: python -m benchmarks.browse [--artifacts 5000] [--out benchmarks/results/browse.json]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from benchmarks.command import end
from benchmarks.provenance import MEASURED, stamp, write
from benchmarks.synthetic import entries, fill
from farm.index import update
from farm.store import keys
from farm.store.folder import FolderStore

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RUNS = 5
DISTRO = "debian13"


def made(folder: Path, artifacts: int) -> str:
    """A store with so many artifacts; the address of its catalog."""
    store = FolderStore(folder)
    listed = entries(artifacts)
    fill(store, "stable", listed)
    for archive in (archive for one in listed for archive in one.archives):
        store.put(archive.key, b"an archive, of which an index only says that it is there")
    update.rewrite(store, "stable", base_url="https://python.example.org")
    return (folder / keys.site("stable", "index.html")).as_uri()


def looked_at(browser: Browser, address: str) -> dict[str, float]:
    """Seconds until a new visitor sees the page, and then until the builds of a distro are there."""
    context = browser.new_context()
    page = context.new_page()
    began = time.perf_counter()
    page.goto(address)
    page.get_by_text("Pick a distro to see its builds.").wait_for()
    shown = time.perf_counter()
    page.locator("[data-filter=distro] label", has=page.locator(f"input[value='{DISTRO}']")).click()
    page.locator(".answer").first.wait_for()
    answered = time.perf_counter()
    context.close()
    return {"open_s": shown - began, "distro_s": answered - shown}


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.browse")
    parser.add_argument("--artifacts", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/browse.json"))
    options = parser.parse_args()
    if not (program := shutil.which("chromium")):
        print("without Chromium nothing is measured: apt-get install chromium")
        return 2
    with tempfile.TemporaryDirectory(prefix="farm-browse-") as folder, sync_playwright() as driver:
        address = made(Path(folder), options.artifacts)
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        looks = [looked_at(browser, address) for _ in range(RUNS)]
        browser.close()
    result = {
        MEASURED: stamp(),
        "artifacts": options.artifacts,
        **{name: round(statistics.median(one[name] for one in looks), 3) for name in looks[0]},
    }
    print(result)
    write(options.out, result)
    return 0


if __name__ == "__main__":
    end(main)
