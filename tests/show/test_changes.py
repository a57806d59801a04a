"""What made a cell stale, in words."""

from __future__ import annotations

import dataclasses

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.recipe import BaseImage, Inputs
from farm.show.changes import changes
from farm.store.artifact import (
    BaseImageInfo,
    BuildInfo,
    ConfigureInfo,
    ElfInfo,
    ModulesInfo,
    PackageVersion,
    PatchInfo,
    RuntimePackageInfo,
    SourceInfo,
)

INPUTS = Inputs(BaseImage("debian:13-slim", "pull", ("a",)), tuple((f"p{number}", "1") for number in range(9)))


@pytest.fixture(scope="module")
def recipe():
    return compose(Cell.parse("3.13.5-debian13-amd64"), Options(), load_facts(), "code")


@pytest.fixture
def build(recipe):
    """What was published of exactly this recipe and these inputs."""
    return BuildInfo(
        cell=str(recipe.cell), python="3.13.5", series="3.13", distro="debian13", arch="amd64", variant="default", abiflags="",
        lib="python3.13", executable="python3.13", soname=recipe.layout.soname, optimize=recipe.optimize,
        bytecode=recipe.bytecode, recipe=recipe.digest, inputs=INPUTS.digest,
        source=SourceInfo(url="", sha256=recipe.source.sha256, epoch=recipe.source.epoch),
        patches=tuple(PatchInfo(file=patch.file, sha256=patch.sha256, why="", link="") for patch in recipe.patches),
        base_image=BaseImageInfo(name="debian:13-slim", how="pull", layers=("a",)),
        builder_packages=tuple(PackageVersion(name=name, version=version) for name, version in INPUTS.packages),
        compiler="gcc",
        configure=ConfigureInfo(shared=recipe.configure, static=recipe.make_static, make=recipe.make),
        runtime=tuple(
            RuntimePackageInfo(name=package.name, modules=package.modules, sonames=package.sonames)
            for package in recipe.runtime
        ),
        modules=ModulesInfo(builtin=(), shared=(), tests=(), stdlib=()), elf=ElfInfo(sonames=(), glibc="2.38"),
        openssl="", sqlite="",
    )  # fmt: skip


def test_packages_and_base_image(build, recipe):
    newer = Inputs(BaseImage("debian:13-slim", "pull", ("b",)), (("p0", "2"), *INPUTS.packages[2:], ("new", "1")))
    assert changes(build, recipe, newer) == ["the base image", "new none -> 1, p0 1 -> 2, p1 1 -> none"]


def test_many_packages_are_counted(build, recipe):
    newer = Inputs(INPUTS.base, tuple((name, "2") for name, _ in INPUTS.packages))
    assert changes(build, recipe, newer)[0].endswith("p5 1 -> 2 and 3 more")


def test_a_new_word_for_make(build, recipe):
    newer = dataclasses.replace(recipe, make=(*recipe.make, "CC=clang"))
    assert changes(build, newer, INPUTS) == ["make: +CC=clang"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("optimize", "none", ["optimize pgo+lto -> none"]),
        ("bytecode", "none", ["bytecode unchecked-hash -> none"]),
        ("patches", (), ["patches: -embed-prefix-3.12.patch"]),
        ("make", ("CC=clang",), ["make: -CFLAGS_NODIST=", " more"]),
    ],
)
def test_the_recipe(build, recipe, field, value, words):
    found = changes(build, dataclasses.replace(recipe, **{field: value}), INPUTS)
    assert len(found) == 1
    for word in words:
        assert word in found[0]


def test_configure_arguments(build, recipe):
    newer = dataclasses.replace(recipe, configure=(*recipe.configure[1:], "--new"))
    assert changes(build, newer, None) == ["configure: ---prefix=/install, +--new"]


def test_what_metadata_does_not_tell(build, recipe):
    assert changes(build, dataclasses.replace(recipe, code="new"), INPUTS) == [
        "our build code, or facts that leave no trace in the metadata"
    ]
