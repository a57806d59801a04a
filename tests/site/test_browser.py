"""The pages as people use them, in Chromium: filter, tabs, copying, links, keyboard, phone; no other host is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from farm.index import reading
from farm.plan.facts import load_facts
from farm.site.snippets import snippets
from farm.store import keys
from farm.store.s3 import S3Store
from tests.clients.shop import CHANNEL
from tests.site.conftest import PUBLISHED

NEWEST = "3.13.5-debian13-amd64"
PAGE = f"builds/{PUBLISHED}/2026112202.html"
SHOTS = Path(os.environ.get("FARM_TEST_SHOTS") or Path(__file__).parents[2] / "screenshots")  # kept for people to look at


@pytest.fixture
def look(chromium, shop):
    @contextmanager
    def opened(path, *, base="", **options):
        where = base or f"{shop.base_url}/{keys.site(CHANNEL, '')}"
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        context.set_default_timeout(60_000)
        page = context.new_page()
        wrong, asked = [], []
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.on("requestfailed", lambda request: wrong.append(request.url))
        page.goto(f"{where}{path}")
        yield page
        context.close()
        assert wrong == []
        root = base.partition("/channels/")[0] or shop.base_url
        assert [url for url in asked if not url.startswith(root)] == []

    return opened


def chip(page, name, value):
    page.locator(f"[data-filter={name}] label", has=page.locator(f"input[value='{value}']")).click()


def answers(page):
    return [row.get_attribute("data-cell") for row in page.locator(".answer").all()]


def shot(page, name):
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def test_the_filter_gives_one_row_per_answer_and_stands_in_the_address(look):
    with look("index.html") as page:
        page.get_by_text("Pick a distro to see its builds.").wait_for()
        chip(page, "distro", "debian13")
        page.locator(".answer").first.wait_for()
        assert answers(page) == [NEWEST, "3.13.5-debian13-arm64"]
        chip(page, "arch", "amd64")
        assert answers(page) == [NEWEST]
        page.locator("#every").check()
        assert answers(page) == [NEWEST, "3.13.4-debian13-amd64"]
        chip(page, "variant", "freethreaded")
        assert answers(page) == ["3.14.0-debian13-amd64-freethreaded"]
        address = page.url
    with look(address.rpartition("/")[2]) as page:
        page.locator(".answer").first.wait_for()
        assert answers(page) == ["3.14.0-debian13-amd64-freethreaded"]


def test_a_row_says_what_one_wants_to_know_and_its_snippets_are_those_of_the_builds_page(look, shop):
    entry = next(e for e in shop_entries(shop) if e.build_id == "2026112202")
    expected = {each.name: each.text for each in snippets(entry, CHANNEL, shop.base_url, load_facts())}
    assert {"dockerfile", "buildkit", "stages", "registry", "uv", "mise", "curl"} == set(expected)
    with look("index.html#distro=debian13&arch=amd64") as page:
        row = page.locator(".answer").first
        row.wait_for()
        said = row.inner_text()
        assert all(text in said for text in ("3.13.5", "build 2026112202", "2026-11-22", "MiB", "until 2029-10-31"))
        assert entry.archives[0].sha256 in said
        shown = {p.get_attribute("data-tab"): p.locator("code").text_content() for p in row.locator("[role=tabpanel]").all()}
        assert shown == expected
        shot(page, "home")
    with look(f"builds/{NEWEST}/2026112202.html") as page:
        panels = page.locator("[role=tabpanel]").all()
        assert {p.get_attribute("id").removeprefix("panel-"): p.locator("code").text_content() for p in panels} == expected
        shot(page, "build")


def shop_entries(shop):
    return [entry for entry in reading.current(shop.store, CHANNEL, "debian13") if entry.cell == NEWEST]


def test_buttons_copy(look, shop):
    permissions = {"permissions": ["clipboard-read", "clipboard-write"]}
    with look("index.html#distro=debian13&arch=amd64", **permissions) as page:
        row = page.locator(".answer").first
        row.wait_for()
        row.get_by_label("Copy the sha256").click()
        row.get_by_text("Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == row.locator(".hash").text_content()
        row.get_by_role("tab", name="uv").click()
        row.locator("[data-tab=uv] .copy").click()
        page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('uv python install'))")


def test_the_keyboard_reaches_everything(look):
    with look("index.html") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.locator("input[name=distro]").first.focus()
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.locator(f".answer[data-cell='{NEWEST}']").wait_for()  # not those of a distro that was passed on the way
        assert page.evaluate("[document.activeElement.name, document.activeElement.value]") == ["distro", "debian13"]
        page.locator("[role=tab]").first.focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.textContent") == "BuildKit"
        assert page.locator("[role=tabpanel]:visible").first.get_attribute("data-tab") == "buildkit"


def test_rows_of_another_distro_never_stand_under_the_chosen_one(look):
    with look("index.html#distro=debian12") as page:
        page.locator(".answer").first.wait_for()
        held = []

        def hold(route):  # a slow line: the list is asked for and does not come
            held.append(route)

        page.route("**/data/debian13.js", hold)
        with page.expect_request("**/data/debian13.js"):
            chip(page, "distro", "debian13")
        assert answers(page) == []
        page.get_by_text("Loading the list of debian13").wait_for()
        chip(page, "distro", "debian12")
        page.locator(".answer").first.wait_for()
        chip(page, "distro", "debian13")
        assert answers(page) == []
        held.pop().continue_()
        page.locator(".answer").first.wait_for()
        assert all("-debian13-" in cell for cell in answers(page))


def test_the_matrix_shows_what_is_there_what_is_behind_and_gaps(look):
    with look("index.html") as page:
        grid = page.locator(".grid")
        grid.get_by_role("button", name="3.13.5 for debian13 on amd64, the newest").wait_for()
        assert grid.get_by_role("button", name="3.13.4 for debian12 on amd64, behind 3.13.5").count() == 1
        assert grid.get_by_role("button", name="3.9.2 for debian11 on amd64, end of life").count() == 1
        facts = load_facts()
        alive = [name for name, row in facts.series.items() if row.status != "end-of-life" and facts.newest(name)]
        tried = [name for name, distro in facts.distros.items() if not distro.facts.untested]
        assert len(alive) >= 3
        assert tried == ["debian11", "debian12", "debian13"]
        assert grid.locator(".gap").count() == len(alive) * len(tried) * 2 - 3  # arches; three of those series are offered
        assert grid.get_by_title("no 3.11 for debian13 on arm64").count() == 1, "a series of which nothing was ever built"
        assert grid.get_by_title("3.9 is not for debian13").count() == 2, "upstream no longer looks after it"
        grid.get_by_role("button", name="3.13.5 for debian13 on arm64").click()
        page.locator(".answer").first.wait_for()
        assert answers(page) == ["3.13.5-debian13-arm64"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(look, scheme):
    for path in ("index.html#distro=debian13", PAGE):
        with look(path, viewport={"width": 360, "height": 740}, color_scheme=scheme) as page:
            page.locator("[role=tab]").first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") == 360
            shot(page, f"phone-{scheme}-{path[:5]}")


PICTURES = {
    "catalog-light": (1180, "light", "html"),
    "catalog-dark": (1180, "dark", "html"),
    "catalog-phone": (360, "light", "html"),
    "catalog-matrix": (1180, "light", "#grid"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_documentation_has_a_picture_of_it(look, name):
    """Taken anew each time, into the folder for people to look at; those in docs/catalog are copied from there by hand."""
    width, scheme, part = PICTURES[name]
    with look("index.html#distro=debian13", viewport={"width": width, "height": 760}, color_scheme=scheme) as page:
        page.locator("[role=tab]").first.wait_for()
        picture = SHOTS / f"{name}.png"
        if part == "html":
            page.screenshot(path=picture)
        else:
            page.locator(part).screenshot(path=picture)
        assert page.locator(part).bounding_box()["width"] <= width
    kept = Path(__file__).parents[2] / "docs" / "catalog" / picture.name
    assert f"](catalog/{kept.name})" in (kept.parents[1] / "clients.md").read_text("utf-8")
    assert kept.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert kept.stat().st_size < 150_000


def from_a_folder(shop, _):
    yield shop.store.root.as_uri()


def from_a_plain_web_server(shop, _):
    words = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(shop.store.root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        yield f"http://127.0.0.1:{running.stdout.readline().split()[5]}"
        running.terminate()


def from_a_bucket(shop, s3_server):
    bucket = s3_server.bucket(public=True)
    store = S3Store(bucket, "", s3_server.settings())
    for stat in shop.store.list(keys.site(CHANNEL, "")):
        store.put(stat.key, shop.store.get(stat.key)[0])
    yield f"{s3_server.endpoint}/{bucket}"


@pytest.mark.parametrize("place", [from_a_folder, from_a_plain_web_server, from_a_bucket])
def test_it_needs_no_server_of_ours(look, shop, s3_server, place):
    with contextmanager(place)(shop, s3_server) as root:
        base = f"{root}/{keys.site(CHANNEL, '')}"
        with look("index.html#distro=debian11", base=base) as page:
            page.locator(".answer").first.wait_for()
            assert answers(page) == ["3.9.2-debian11-amd64"]
            page.get_by_role("link", name="Packages, checks, provenance").click()
            page.get_by_role("heading", name="Python 3.9.2").wait_for()


def test_every_link_resolves(look, shop):
    seen, waiting = set(), ["index.html#distro=debian13&every=1", f"builds/{NEWEST}/2026112201.html", PAGE]
    for path in waiting:
        with look(path) as page:
            page.locator("[role=tab]").first.wait_for()
            links = page.evaluate(
                "[...document.querySelectorAll('[href], [src]')].map((e) => e.href?.baseVal ?? (e.href || e.src))"
            )
            seen |= {urljoin(page.url, link).partition("#")[0] for link in links}
    assert len(seen) > 12
    assert {"intoto.json", "spdx.json"} <= {".".join(url.rsplit(".", 2)[1:]) for url in seen}
    for url in sorted(seen):
        assert requests.head(url, timeout=20).status_code == 200, url


def test_a_published_build_tells_what_is_in_it_how_it_was_verified_and_what_changed(look):
    with look(PAGE) as page:
        inside = page.get_by_role("region", name="Inside").inner_text().split("\n")
        assert dict(zip(inside[1::2], inside[2::2], strict=True)) == {
            "OpenSSL": "3.5.1",
            "SQLite": "3.46.1",
            "glibc": "2.38 or newer",
            "Optimised": "pgo+lto",
            "Source": "Python-3.13.5.tar.xz",
            "Patches": "none",
            "Built in": "debian:13-slim, Docker",
        }
        checks = page.get_by_role("region", name="Verification")
        assert "The archive passed 2 checks, in debian:13-slim" in checks.inner_text()
        assert checks.locator(".findings li").all_inner_texts() == ["warning larger than the build before size.budget"]
        checks.get_by_text("Which checks").click()
        shot(page, "published")
        assert checks.locator("details li").all_inner_texts() == ["run.version", "size.budget", "debug.links"]
        files = page.get_by_role("region", name="Files").locator("tbody a").all_inner_texts()
        assert {"Provenance, signed", "SBOM (SPDX)", "Metadata", "Debug symbols"} < set(files)
        assert page.get_by_role("region", name="Run-time packages").locator("li").all_inner_texts() == ["libssl3t64"]
        assert "gcc 13 -> 14" in page.get_by_role("region", name="Since the build before").inner_text()
        page.get_by_role("link", name="Build 2026112201").click()
        page.get_by_text("The first build of this cell.").wait_for()


def test_an_older_build_says_that_there_is_a_newer_one(look):
    with look(f"builds/{NEWEST}/2026112201.html") as page:
        page.get_by_role("link", name="Build 2026112202").click()
        page.get_by_text("build 2026112202").first.wait_for()
        assert page.get_by_text("There is a newer build").count() == 0
