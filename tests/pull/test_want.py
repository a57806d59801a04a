"""Which build is the one that is wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.pull.want import Want, arch_of, choose, distro_of
from tests.index.test_render import entry

OLD, NEW = "2026112201", "2026112202"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('ID=debian\nVERSION_ID="13"\n', "debian13"),
        ("# comment\nID=ubuntu\nVERSION_ID='24.04'\nPRETTY_NAME=\"Ubuntu 24.04\"", "ubuntu24.04"),
        ('ID="rocky"\nVERSION_ID="9.4"\n', "rocky9"),
        ("ID=alpine\nVERSION_ID=3.22.1\n", "alpine3.22"),
    ],
)
def test_the_distro_is_read_off_os_release(text, found):
    assert distro_of(text, ["debian13", "ubuntu24.04", "rocky9", "debian13", "alpine3.22", "alpine3.2"]) == found


@pytest.mark.parametrize("text", ["", "ID=debian", 'ID=arch\nVERSION_ID="1"', "ID=debian\nVERSION_ID=130"])
def test_a_host_without_builds_is_told_what_there_is(text):
    with pytest.raises(BadInput) as caught:
        distro_of(text, ["debian13", "debian12"])
    assert "debian12, debian13" in caught.value.hint


def test_arches():
    arches = load_facts().arches
    assert [arch_of(name, arches) for name in ("x86_64", "amd64", "aarch64", "arm64")] == ["amd64", "amd64", "arm64", "arm64"]
    with pytest.raises(BadInput, match="riscv64"):
        arch_of("riscv64", arches)


def chosen(python, *offered, exact="", variant="default", yanked=()):
    entries = [entry(cell, build) for cell, build in offered]
    entries = [each.model_copy(update={"yanked": "bad"}) if each.build_id in yanked else each for each in entries]
    found = choose(entries, Want(python, "debian13", "amd64", variant, exact))
    return found.cell, found.build_id


A, B, RC = "3.13.5-debian13-amd64", "3.13.10-debian13-amd64", "3.13.0rc1-debian13-amd64"


def test_the_newest_release_wins_then_the_newest_build():
    assert chosen("3.13", (A, NEW), (B, OLD), (RC, NEW)) == (B, OLD)
    assert chosen("3.13.5", (A, OLD), (A, NEW), (B, OLD)) == (A, NEW)
    assert chosen("3.13", (RC, OLD)) == (RC, OLD)


def test_a_yanked_build_is_only_for_who_names_it():
    assert chosen("3.13", (A, OLD), (A, NEW), yanked=[NEW]) == (A, OLD)
    assert chosen("3.13", (A, OLD), (A, NEW), yanked=[NEW], exact=NEW) == (A, NEW)
    with pytest.raises(BadInput, match=r"no Python 3\.13 for debian13"):
        chosen("3.13", (A, NEW), yanked=[NEW])


@pytest.mark.parametrize("python", ["3.1", "3", "3.13.50", "", "3.13.5-debian13"])
def test_what_is_not_there_is_said_with_what_is(python):
    with pytest.raises(BadInput) as caught:
        chosen(python, (A, OLD), ("3.13.5-debian12-amd64", NEW))
    assert caught.value.hint == f"there is {A}"


CELLS = st.sampled_from([A, B, RC, "3.14.0-debian13-amd64", "3.13.5-debian13-amd64-debug", "3.13.5-debian13-arm64"])


@given(st.lists(st.tuples(CELLS, st.sampled_from([OLD, NEW])), min_size=1))
def test_what_is_chosen_was_offered_and_nothing_newer(offered):
    try:
        cell, build = chosen("3.13", *offered)
    except BadInput:
        return
    assert (cell, build) in offered
    for other, built in offered:
        found = Cell.parse(other)
        if (found.python.series, found.arch, found.variant) == ("3.13", "amd64", "default"):
            assert (found.python.key, built) <= (Cell.parse(cell).python.key, build)
