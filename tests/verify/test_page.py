"""docs/verification.md says of every check what the code says, and depth standard stays within its time."""

from __future__ import annotations

import pytest

from tests.verify import page
from workers.verify.expected import checks_with_rows
from workers.verify.run import of_depth
from workers.verify.table import BUDGET_S, TABLE


def test_the_page_has_the_table_as_the_code_has_it():
    old = page.PAGE.read_text("utf-8")
    assert old == page.text(old), "python -m tests.verify.page writes it anew"


def test_depth_standard_stays_within_its_time():
    assert BUDGET_S == 180
    assert sum(check.cost for check in of_depth("standard")) <= BUDGET_S
    assert f"at most {BUDGET_S}," in page.PAGE.read_text("utf-8")


def test_nothing_that_takes_a_quarter_of_that_time_alone_is_standard():
    assert [check.id for check in of_depth("standard") if check.cost * 4 > BUDGET_S] == []
    assert {check.depth for check in of_depth("standard")} == {"standard"}


@pytest.mark.parametrize("check", [check for check in TABLE if check.late], ids=lambda check: check.id)
def test_checks_that_the_reason_calls_standard_are_standard(check):
    named = {one for one in TABLE if one.id in check.late.replace(",", " ").replace(";", " ").split()}
    assert all(one.depth == "standard" for one in named)


def test_the_table_says_where_a_check_makes_no_sense():
    told = {check.id: "; ".join(page.apart(check)) for check in TABLE}
    assert all(told[check] for check in checks_with_rows())
    assert told["moved.venv"] == "up to 3.2: venv came with 3.3 (PEP 405)"
    assert told["run.version"] == ""
