"""Fates, their reasons, the order of building and the estimates."""

from __future__ import annotations

import dataclasses
import itertools
import time

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.fate import FATES, plan
from farm.plan.matrix import Asked, Matrix, read_matrix
from farm.plan.options import Options
from farm.plan.recipe import BaseImage, Inputs
from farm.store import keys

CELL = Cell.parse("3.13.5-debian13-amd64")
OPTIONS = Options()
OLD = Inputs(BaseImage("debian:13-slim", "pull", ("a",)), (("gcc", "4:14.2.0-1"),))
NEW = Inputs(OLD.base, (("gcc", "4:14.2.0-2"),))


def build(facts, *, number=1, code="code", inputs=NEW, channel="stable", options=OPTIONS):
    recipe = compose(CELL, options, facts, code)
    return keys.published(CELL, f"20261122{number:02}", recipe.digest, inputs.digest, channel)


def only(facts, builds, *, inputs=NEW, options=OPTIONS, cell=CELL):
    made = plan(Matrix((Asked(cell, options),)), facts, builds, {(cell.distro, cell.arch): inputs}, "code")
    return made.cells[0]


def test_never_published(facts):
    found = only(facts, [])
    assert (found.fate, found.reason, found.wanted) == ("build", "never published", True)
    assert found.recipe == compose(CELL, OPTIONS, facts, "code")


def test_published(facts):
    found = only(facts, [build(facts)])
    assert (found.fate, found.reason, found.wanted) == ("published", "as 2026112201", False)


def test_published_though_a_newer_build_differs(facts):
    assert only(facts, [build(facts, number=1), build(facts, number=2, code="other")]).fate == "published"


def test_stale_for_newer_packages(facts):
    found = only(facts, [build(facts, inputs=OLD)])
    assert (found.fate, found.reason) == ("stale", "the distro's packages have changed since 2026112201")


def test_stale_for_another_recipe(facts):
    found = only(facts, [build(facts, number=3, code="older"), build(facts, number=2, code="oldest")])
    assert (found.fate, found.reason) == ("stale", "the recipe has changed since 2026112203")
    assert found.newest.build_id == "2026112203"


def test_published_if_nobody_looked_at_the_packages_yet(facts):
    found = only(facts, [build(facts, inputs=OLD)], inputs=None)
    assert found.fate == "published"
    assert "not resolved yet" in found.reason


def test_published_in_another_channel_is_said(facts):
    assert only(facts, [build(facts, channel="testing")]).reason == "as 2026112201 in the channel testing"


def test_a_library_of_our_own_is_said_aloud(facts):
    found = only(facts, [], cell=Cell.parse("2.7.18-debian13-amd64"))
    assert found.fate == "build"
    assert found.reason == "never published; it brings OpenSSL 1.1.1w of its own: past its end of life, no security fixes"


def test_impossible(facts):
    found = only(facts, [], cell=Cell.parse("2.7.18-debian13-amd64-debug"))
    assert (found.fate, found.recipe, found.wanted) == ("impossible", None, False)
    assert "from Python 3.9 on" in found.reason


def test_builds_of_other_cells_do_not_count(facts):
    other = dataclasses.replace(build(facts), cell=Cell.parse("3.13.5-debian13-arm64"))
    assert only(facts, [other]).fate == "build"


def test_the_root_matrix(facts, root_matrix):
    made = plan(root_matrix, facts, [], {}, "code")
    assert made.counts == {"build": len(root_matrix.cells), "stale": 0, "published": 0, "impossible": 0}
    assert sum(made.counts[fate] for fate in FATES) == len(made.cells)
    assert {one.cell for one in made.order} == {asked.cell for asked in root_matrix.cells}
    assert made.seconds == sum(one.seconds for one in made.cells)
    assert made.disk_mb == max(one.disk_mb for one in made.cells)


def test_order_is_longest_first_and_then_by_builder_image(facts, root_matrix):
    order = plan(root_matrix, facts, [], {}, "code").order
    seconds = [one.seconds for one in order]
    assert seconds == sorted(seconds, reverse=True)
    for _, equal in itertools.groupby(order, key=lambda one: one.seconds):
        images = [(one.cell.distro, one.cell.arch, one.recipe.build_packages) for one in equal]
        assert len(list(itertools.groupby(images))) == len(set(images)), "cells of one image stand together"


def test_what_is_published_or_impossible_is_not_in_the_order(facts):
    cells = [CELL, Cell.parse("2.7.18-debian13-amd64-debug"), Cell.parse("3.14.7-debian13-amd64")]
    matrix = Matrix(tuple(Asked(cell, OPTIONS) for cell in cells))
    made = plan(matrix, facts, [build(facts)], {("debian13", "amd64"): NEW}, "code")
    assert [str(one.cell) for one in made.order] == ["3.14.7-debian13-amd64"]
    assert made.counts == {"build": 1, "stale": 0, "published": 1, "impossible": 1}


def test_every_possible_cell_has_an_estimate(facts):
    for version in facts.versions:
        for optimize in ("none", "pgo", "pgo+lto"):
            found = only(facts, [], cell=Cell(version, "debian11", "arm64"), options=Options(optimize))
            assert found.seconds > 0
            assert found.store_mb > 0


@pytest.mark.timeout(60)
def test_ten_thousand_cells_are_planned_in_seconds(facts):
    patches = {f"3.{minor}.{patch}": facts.sources["3.13.5"] for minor in (9, 11, 13, 14) for patch in range(420)}
    many = dataclasses.replace(facts, sources=patches)
    versions = ", ".join(f"'{version}'" for version in patches)
    text = f"pythons: [{versions}]\ndistros: [debian11, debian12, debian13]\narches: [amd64, arm64]\n"
    began = time.process_time()
    made = plan(read_matrix(text.encode(), "m.yaml", many), many, [], {}, "code")
    assert len(made.order) == 10_080
    assert len({one.recipe.digest for one in made.cells}) == 10_080
    assert time.process_time() - began < 15
