"""Which cells can be cross-compiled, and what that adds to their recipe."""

from __future__ import annotations

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose, decisions
from farm.plan.facts import load_facts
from farm.plan.options import Options


def recipe(cell, optimize="none"):
    return compose(Cell.parse(cell), Options(optimize), load_facts(), "code")


@pytest.mark.parametrize(
    ("cell", "optimize"),
    [
        ("3.14.7-debian13-amd64", "none"),  # nothing here cross-compiles for it
        ("3.9.2-debian13-arm64", "none"),  # configure of 3.9 knows no --with-build-python
        ("3.14.7-debian13-arm64", "pgo+lto"),  # training runs the interpreter
    ],
)
def test_not_every_cell_can_be_cross_compiled(cell, optimize):
    assert recipe(cell, optimize).cross is None


@pytest.mark.parametrize("distro", ["debian11", "debian12", "debian13"])
def test_a_cross_build_has_development_packages_of_the_cells_arch(distro):
    cross = recipe(f"3.14.7-{distro}-arm64").cross
    assert cross.on == "amd64"
    assert {"gcc", "gcc-aarch64-linux-gnu", "libssl-dev:arm64", "zlib1g-dev", "zlib1g-dev:arm64"} <= set(cross.packages)
    assert "libssl-dev" not in cross.packages
    assert cross.configure[:2] == ("--build=x86_64-linux-gnu", "--host=aarch64-unknown-linux-gnu")
    assert dict(cross.tools)["gcc"] == "aarch64-linux-gnu-gcc"


@pytest.mark.parametrize(("distro", "answer"), [("debian11", "no"), ("debian12", "yes"), ("debian13", "yes")])
def test_each_probe_has_one_answer(distro, answer):
    assert dict(recipe(f"3.13.15-{distro}-arm64").cross.environment)["ac_cv_pthread_is_default"] == answer


def test_answers_follow_the_version():
    names = {series: dict(recipe(f"{series}-debian12-arm64").cross.environment) for series in ("3.11.2", "3.14.7")}
    assert "ac_cv_have_size_t_format" in names["3.11.2"]
    assert "ac_cv_ffi_complex_double_supported" in names["3.14.7"]
    assert names["3.11.2"].keys() ^ names["3.14.7"].keys() == {
        "ac_cv_have_size_t_format",
        "ac_cv_ffi_complex_double_supported",
    }


def test_the_rest_of_the_recipe_does_not_depend_on_how_it_is_built():
    arm, amd = recipe("3.14.7-debian13-arm64"), recipe("3.14.7-debian13-amd64")
    assert arm.configure == amd.configure
    assert arm.environment == amd.environment


def test_explain_says_why():
    said = [
        made
        for made in decisions(Cell.parse("3.14.7-debian13-arm64"), Options("none"), load_facts())
        if "cross" in made.subject
    ]
    assert any("--with-build-python" in one.value for one in said)
    assert all(one.why and one.link for one in said)
