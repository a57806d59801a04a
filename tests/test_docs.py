"""Links between the pages of the project lead to files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#)(?P<target>[^)#\s]+)")
HEADED = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")


def headings(page):
    """The names under which a page's headings are linked to."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    targets = [found["target"] for found in LINK.finditer(page.read_text("utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_to_headings_lead_to_one(page):
    found = HEADED.findall(page.read_text("utf-8"))
    wrong = [
        (target, heading) for target, heading in found if heading not in headings(page.parent / target if target else page)
    ]
    assert wrong == []


def test_there_are_links_to_look_at():
    assert sum(len(HEADED.findall(page.read_text("utf-8"))) for page in PAGES) > 3
    assert sum(len(LINK.findall(page.read_text("utf-8"))) for page in PAGES) > 3
