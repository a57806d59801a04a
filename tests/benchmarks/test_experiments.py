"""Experiments are facts that lie over ours, each says what it is about, and is compared with the plain build."""

from __future__ import annotations

import json
import math

import pytest

from benchmarks.experiments.__main__ import asked_for, chosen, figures, known, needs, pairs, recipes, rows
from benchmarks.experiments.relink import HERE, PARTS, Shelf
from benchmarks.ratios import key, summary
from benchmarks.sections.experiments import experiments
from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from tests.benchmarks.shelf import CELL, trees

CLANG = Cell.parse("3.14.7-debian13-amd64")


@pytest.mark.parametrize("name", known())
def test_an_experiment_changes_the_recipe_and_says_why(name):
    plain, changed = (
        compose(CLANG if name in OF_CLANG else CELL, Options(optimize="pgo+lto"), facts, "")
        for facts in (load_facts(), load_facts(HERE / name))
    )
    assert changed.digest != plain.digest
    assert known()[name].endswith(".")


def test_each_is_compared_with_the_plain_build():
    runs = {
        key(0, "nbody", who): {"nbody": [seconds]}
        for who, seconds in {"plain executable": 2.0, "x executable": 1.0, "plain libpython": 3.0, "x libpython": 6.0}.items()
    }
    found = summary(runs, 1, among=pairs(["x", "was not run"]))["pairs"]
    assert {name: pair["mean"] for name, pair in found.items()} == {"x: executable": 2.0, "x: libpython": 0.5}
    assert math.isclose(found["x: executable"]["each"]["nbody"]["mean"], 2.0)


def test_the_page_tells_what_was_changed():
    one = {"mean": 1.02, "low": 1.01, "high": 1.03, "each": {"float": {"mean": 1.2}, "go": {"mean": 0.9}}}
    row = {"about": "Something else.", "rounds": 3, "scripts": ["float", "go"], "executable": one, "libpython": one}
    more = {
        "instructions": {"go": {"executable": 0.97, "libpython": 0.98}},
        "second_link": 0.05,
        "profile": "its own",
        "mismatches": 2,
    }
    page = "\n".join(map(str, experiments({str(CELL): {"x": {**row, **more}}})))
    said = "1.02 | 1.01 to 1.03 | go 0.9 | 1.02 | 1.01 to 1.03 | go 0.97 and 0.98 | 0.050 | its own, 2 did not fit"
    assert f"| x: Something else. | {said} | 3 rounds of 2 |" in page
    assert f"### {CELL}, changed" in page


def test_what_another_compiler_needs_is_named_and_is_not_what_it_is_about():
    assert needs() == ["bolt-19", "systemtap-sdt-dev"]
    assert not [name for name, about in known().items() if "needs:" in about]


@pytest.mark.parametrize("name", ["gcc", "debian-rules"])
def test_where_clang_is_the_recipe_gcc_can_be_had_back(name):
    made = recipes(CLANG, [name])
    words = {which: " ".join((*recipe.configure, *recipe.make)) for which, recipe in made.items()}
    assert [which for which, recipe in made.items() if ("CC", "clang-19") in recipe.environment] == ["plain"]
    assert [which for which, said in words.items() if "--with-tail-call-interp" in said] == ["plain"]
    assert not [which for which, said in words.items() if ("-fuse-ld=lld" in said) == ("-gno-as-loc-support" in said)]
    assert known()["gcc"].startswith("Compiled by the distro's own gcc")


COUNTS = {"plain": (1000, 2000), "frame-pointers": (500, 1500), "extended-training": (1, 2)}


def test_an_experiments_figures_are_of_it_and_the_plain_build(tmp_path):
    trees(["frame-pointers", "extended-training"], tmp_path)
    shelf = Shelf(tmp_path / "kept", recipes(CELL, ["frame-pointers", "extended-training"]), "id of an image")
    link = {"plain": 4.0, "frame-pointers": 2.0, "extended-training": 4.0}
    for name, seconds in link.items():
        file = shelf.file(name).with_suffix(".json")
        told = shelf.told(name)
        for step in told["steps"]:
            step["cpu_seconds"] = seconds if step["step"] == "link static" else 1.0
        file.write_text(json.dumps(told))
    runs = {
        key(0, "nbody", f"{who} {what}"): {"nbody": [seconds]}
        for what in ("executable", "libpython")
        for who, seconds in {"plain": 2.0, "frame-pointers": 1.0, "extended-training": 4.0}.items()
    }
    pairs_of = summary(runs, 1, among=pairs(["frame-pointers", "extended-training"]))["pairs"]
    counted = {name: {"go": dict(zip(PARTS, counts, strict=True))} for name, counts in COUNTS.items()}
    counted["plain"]["nbody"] = {"executable": 1, "libpython": 1}  # of which the others were not counted
    newer, trained = (figures(shelf, name, pairs_of, counted) for name in ("frame-pointers", "extended-training"))
    assert (newer["executable"]["mean"], newer["second_link"], newer["profile"]) == (2.0, 0.5, "the same")
    assert newer["instructions"] == {"go": {"executable": 0.5, "libpython": 0.75}}
    assert newer["plain"] == trained["plain"] == shelf.recipes["plain"].digest[:16]
    assert (trained["libpython"]["mean"], trained["second_link"], trained["profile"]) == (0.5, 1.0, "its own")


def test_rows_of_another_build_or_method_or_of_no_experiment_are_dropped():
    older = {
        "bolt": {"plain": "1", "method": "turns"},
        "gcc": {"plain": "2", "method": "turns"},
        "lto": {"plain": "2"},
        "was renamed": {"plain": "2", "method": "turns"},
        "frame-pointers": {"plain": "2", "method": "turns", "old": 1},
    }
    found = rows(older, {"frame-pointers": {"plain": "2", "method": "turns"}})
    about = known()["frame-pointers"]
    alike = {"plain": "2", "method": "turns"}
    assert found == {"gcc": alike, "frame-pointers": {**alike, "about": about}}


OF_GCC = {
    "aligned",
    "bolt",
    "dispatch",
    "no-plt",
    "optimize-2",
    "partial-training",
    "partitioned-lto",
    "semantic-interposition",
    "wider-hot",
}
OF_CLANG = {"gcc", "ir-profile"}


@pytest.mark.parametrize("name", sorted(set(known()) - OF_GCC - {"ir-profile"}))
def test_no_flags_of_gcc_are_for_clang(name):
    made = recipes(CLANG, [name])[name]
    words = " ".join((*made.make, *made.make_static))
    of_gcc = ("-fprofile-generate", "-flto-partition", "-gno-as-loc-support", "-ffile-prefix-map=/work/src")
    assert (("CC", "clang-19") in made.environment) == (not any(flag in words for flag in of_gcc))


@pytest.mark.parametrize(
    ("cell", "name"), [*((CLANG, name) for name in sorted(OF_GCC)), *((CELL, name) for name in sorted(OF_CLANG))]
)
def test_what_changes_nothing_of_a_cell_is_refused(cell, name):
    with pytest.raises(BadInput, match=f"{name} changes nothing of {cell}"):
        recipes(cell, [name])


@pytest.mark.parametrize(("cell", "left"), [(CLANG, OF_GCC), (CELL, OF_CLANG)])
def test_without_names_all_are_built_that_change_something(cell, left):
    assert set(chosen(cell, [])) == set(known()) - left
    assert chosen(cell, ["bolt"]) == ["bolt"]


def test_the_command_line():
    said = asked_for(["3.13.15-debian13-amd64", "--only", "bolt", "--count", "nbody", "float"])
    assert (said.only, said.count, said.rounds) == (["bolt"], ["nbody", "float"], 5)
    for wrong in (["--only", "no such folder"], ["--rounds", "-1"], ["--count", "no such benchmark"]):
        with pytest.raises(SystemExit):
            asked_for(["x", *wrong])


def test_a_cell_with_libraries_of_our_own_is_refused():
    with pytest.raises(BadInput, match=r"has openssl of our own, which experiments do not build") as caught:
        recipes(Cell.parse("2.7.18-debian12-amd64"), [])
    assert caught.value.hint == "take another cell"


def row(low, high, name="frame-pointers"):
    pair = {"mean": (low + high) / 2, "low": low, "high": high, "each": {"nbody": {"mean": low}}}
    return {
        "about": known()[name],
        "executable": pair,
        "libpython": pair,
        "instructions": {},
        "second_link": 1.0,
        "profile": "its own",
        "mismatches": 0,
        "rounds": 5,
        "scripts": ["nbody"],
    }


@pytest.mark.parametrize(
    ("cell", "high", "said"),
    [
        ("3.14.7-debian13-amd64", 0.9, "1.1|met (1.111 at"),
        ("3.14.7-debian13-amd64", 0.92, "1.1|**not met** (1.087"),
        ("3.13.15-debian13-amd64", 0.92, "1.05|met (1.087 at"),
        (
            "3.15.0rc2-debian13-amd64",
            1.0,
            "1.1|**not met** (1.000",
        ),
    ],
)
def test_what_debians_rules_make_of_the_same_source_decides_a_goal(cell, high, said):
    text = "\n".join(map(str, experiments({cell: {"debian-rules": row(0.85, high, "debian-rules")}})))
    assert said.replace("|", " times as fast as what Debian's rules make of the same source: ") in text
    assert "Goal" not in "\n".join(map(str, experiments({cell: {"frame-pointers": row(0.85, high)}})))
