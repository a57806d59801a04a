"""What reports of verifications say, and that those which are kept in docs/reports are of all checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from farm.show import report, report_html, report_markdown
from tests.verify.test_strangers import outcome
from workers.verify.table import TABLE

REPORTS = Path(__file__).parents[2] / "docs" / "reports"
# Checks that came after a page was made, by page: none once it is made anew.
NEWEST = {"build.needing", "headers.compiler", "linkage.threads"}  # after every page was made
LATER = {"side-by-side": {"archive.licenses", "embed.extension", "headers.sysconfig", "stdlib.sqlite"}}


def test_a_report_says_what_the_build_was_optimised_with():
    told = outcome("a.tar.gz").model_copy(update={"optimize": "pgo+lto"})
    said = "3.13.5-debian13-amd64, optimize pgo+lto"
    assert f"\n`farm verify` of {said}: nothing wrong" in report_markdown.page(told)
    assert f"<h1>a.tar.gz ({said})</h1>" in report_html.page(told)
    assert next(report.lines(told)) == f"a.tar.gz ({said})"
    assert f"- **ours**: a.tar.gz ({said}): " in report_markdown.side_by_side([("ours", told)])


@pytest.mark.parametrize("page", sorted(REPORTS.glob("*.md")), ids=lambda page: page.stem)
def test_a_report_that_is_kept_has_every_check(page):
    """Each of them once; those in NEWEST and LATER came after the page was made, and go from there when it is made anew."""
    ids = re.findall(r"^\| `([\w.+]+)` \|", page.read_text("utf-8"), re.MULTILINE)
    assert sorted(ids) == sorted({check.id for check in TABLE} - NEWEST - LATER.get(page.stem, set()))


def test_what_a_build_was_optimised_with_is_told_by_pages_that_are_not_of_early_days():
    told = {page.stem for page in REPORTS.glob("*.md") if ", optimize " in page.read_text("utf-8")}
    assert told == {page.stem for page in REPORTS.glob("*.md")} - LATER.keys()
