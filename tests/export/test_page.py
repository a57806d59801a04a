"""docs/clients.md says of every export what the code says."""

from __future__ import annotations

import pytest

from tests.export import page

ROWS = list(page.rows())
# Clients that need not run in the tests, each for a reason that its row gives; all others have to.
EXCUSED = {"bazel", "bzlmod", "pants", "paketo", "heroku", "cloud-foundry", "setup-python"}


def test_the_page_has_one_table_and_it_is_the_codes():
    old = page.PAGE.read_text("utf-8")
    assert old == page.text(old), "python -m tests.export.page writes it anew"
    assert old.count("| read in the tests by |") == 1


@pytest.mark.parametrize(("name", "where", "by"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_says_what_reads_it_and_why_that_is_not_the_client(name, where, by):
    assert by.client
    assert by.by
    assert where.startswith("`")
    assert bool(by.instead) == (name in EXCUSED)


def test_every_row_has_a_name_and_files_of_its_own():
    assert len({name for name, _, _ in ROWS}) == len(ROWS)
    assert len({where for _, where, _ in ROWS}) == len(ROWS)
