"""Which Python of a distro is compared with which cell of ours, and wrong input of `farm audit`."""

from __future__ import annotations

import pytest

from farm.errors import BadInput
from farm.plan.facts import load_facts
from farm.plan.yardstick import choose


@pytest.fixture(scope="module")
def facts():
    return load_facts()


@pytest.mark.parametrize(
    ("distro", "text", "cell"),
    [
        ("debian13", "", "3.13.5-debian13-amd64"),
        ("debian13", "3.13", "3.13.5-debian13-amd64"),
        ("debian13", "3.13.15", "3.13.15-debian13-amd64"),
        ("debian11", "", "3.9.2-debian11-amd64"),
        ("debian11", "2.7", "2.7.18-debian11-amd64"),
    ],
)
def test_ours_is_the_version_that_the_distro_has_unless_another_is_named(facts, distro, text, cell):
    assert str(choose(facts, distro, text, "amd64").cell) == cell


@pytest.mark.parametrize(
    ("distro", "text", "part"),
    [
        ("debian31", "", "no facts for distro 'debian31'"),
        ("debian13", "3.12", "debian13 itself has no Python 3.12"),
        ("debian13", "3.13.99", "no facts for source for Python '3.13.99'"),
        ("debian13", "thirteen", "debian13 itself has no Python thirteen"),
    ],
)
def test_wrong_input_is_named(facts, distro, text, part):
    with pytest.raises(BadInput, match=part) as caught:
        choose(facts, distro, text, "amd64")
    assert caught.value.hint
