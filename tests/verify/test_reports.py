"""What reports of verifications say, and that those which are kept in docs/reports are of all checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from farm.show import report, report_html, report_markdown
from tests.verify.test_strangers import outcome
from workers.verify.table import TABLE

REPORTS = Path(__file__).parents[2] / "docs" / "reports"
# Checks that came after the reports were made: none once they are made anew.
LATER = {"archive.licenses", "embed.extension", "headers.sysconfig", "stdlib.sqlite"}


def test_a_report_says_what_the_build_was_optimised_with():
    told = outcome("a.tar.gz").model_copy(update={"optimize": "pgo+lto"})
    said = "3.13.5-debian13-amd64, optimize pgo+lto"
    assert f"\n`farm verify` of {said}: nothing wrong" in report_markdown.page(told)
    assert f"<h1>a.tar.gz ({said})</h1>" in report_html.page(told)
    assert next(report.lines(told)) == f"a.tar.gz ({said})"
    assert f"- **ours**: a.tar.gz ({said}): " in report_markdown.side_by_side([("ours", told)])


@pytest.mark.parametrize("page", sorted(REPORTS.glob("*.md")), ids=lambda page: page.stem)
def test_a_report_that_is_kept_has_every_check(page):
    """Each of them once; those in LATER came after the reports were made, and go from there when they are made anew."""
    ids = re.findall(r"^\| `([\w.+]+)` \|", page.read_text("utf-8"), re.MULTILINE)
    assert sorted(ids) == sorted({check.id for check in TABLE} - LATER)


def test_reports_of_early_days_are_made_anew_as_a_whole():
    told = {page.stem: ", optimize " in page.read_text("utf-8") for page in REPORTS.glob("*.md")}
    assert set(told.values()) == {not LATER}
