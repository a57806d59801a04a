"""matrix.yaml to cells: what it asks for, and every kind of mistake with its message."""

from __future__ import annotations

import dataclasses
import json
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from farm.errors import BadInput
from farm.plan.matrix import MAX_CELLS, read_matrix
from farm.plan.matrix_file import MatrixFile
from farm.plan.options import Options
from tests.plan.conftest import ROOT

AXES = "pythons: ['3.13']\ndistros: [debian13]\narches: [amd64]\n"  # three lines


def cells(text, facts):
    return {str(asked.cell): asked.options for asked in read_matrix(text.encode(), "m.yaml", facts).cells}


def mistakes(text, facts):
    with pytest.raises(BadInput) as caught:
        read_matrix(text.encode() if isinstance(text, str) else text, "m.yaml", facts)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value.message.splitlines()


def many(name):
    return ", ".join([name] * 3000)


def test_the_axes_are_multiplied(facts):
    text = "pythons: ['3.13.5', '3.14']\ndistros: [debian13, debian12]\narches: [amd64]\nvariants: [default, freethreaded]\n"
    assert list(cells(text, facts)) == [
        "3.13.5-debian13-amd64",
        "3.13.5-debian13-amd64-freethreaded",
        "3.13.5-debian12-amd64",
        "3.13.5-debian12-amd64-freethreaded",
        "3.14.7-debian13-amd64",
        "3.14.7-debian13-amd64-freethreaded",
        "3.14.7-debian12-amd64",
        "3.14.7-debian12-amd64-freethreaded",
    ]


def test_options_of_the_file_hold_for_every_cell(facts):
    text = AXES + "optimize: pgo\nbytecode: none\nstrip: keep\nchannel: testing\n"
    assert cells(text, facts) == {"3.13.15-debian13-amd64": Options("pgo", "none", "keep", "testing")}


def test_options_left_out_have_defaults(facts):
    assert cells(AXES, facts) == {"3.13.15-debian13-amd64": Options("pgo+lto", None, "split", "stable")}


def test_exclude_takes_out_what_matches_every_key(facts):
    axes = AXES.replace("debian13", "debian13, debian12").replace("'3.13'", "'3.13', '3.14'")
    text = axes + "exclude:\n  - {python: '3.14', distro: debian12}\n"
    assert set(cells(text, facts)) == {"3.13.15-debian13-amd64", "3.13.15-debian12-amd64", "3.14.7-debian13-amd64"}


def test_a_series_excludes_each_of_its_versions(facts):
    text = "pythons: ['3.13', '3.13.5', '3.14']\ndistros: [debian13]\narches: [amd64]\nexclude: [{python: '3.13'}]\n"
    assert set(cells(text, facts)) == {"3.14.7-debian13-amd64"}


def test_include_adds_options_to_the_cells_that_match(facts):
    text = (
        "pythons: ['3.13']\ndistros: [debian13, debian12]\narches: [amd64]\ninclude:\n  - {distro: debian12, optimize: pgo}\n"
    )
    assert {cell: options.optimize for cell, options in cells(text, facts).items()} == {
        "3.13.15-debian13-amd64": "pgo+lto",
        "3.13.15-debian12-amd64": "pgo",
    }


def test_include_adds_the_cells_that_nothing_matches(facts):
    text = AXES + "include:\n  - {python: '2.7', distro: debian11, arch: [amd64, arm64], optimize: pgo}\n"
    found = cells(text, facts)
    assert list(found) == ["3.13.15-debian13-amd64", "2.7.18-debian11-amd64", "2.7.18-debian11-arm64"]
    assert found["2.7.18-debian11-arm64"].optimize == "pgo"


def test_include_alone_is_a_matrix(facts):
    assert list(cells("include: [{python: '3.13.5', distro: debian13, arch: amd64}]\n", facts)) == ["3.13.5-debian13-amd64"]


def test_a_cell_reached_twice_is_one_cell_and_that_is_said(facts):
    matrix = read_matrix(AXES.replace("['3.13']", "['3.13', '3.13.15']").encode(), "m.yaml", facts)
    assert [str(asked.cell) for asked in matrix.cells] == ["3.13.15-debian13-amd64"]
    assert "3.13.15-debian13-amd64 is asked for more than once" in matrix.notes[0]


def test_two_entries_that_agree_are_no_mistake(facts):
    entries = "include:\n  - {distro: debian13, optimize: pgo}\n  - {arch: amd64, optimize: pgo}\n"
    assert cells(AXES + entries, facts)["3.13.15-debian13-amd64"].optimize == "pgo"


def test_an_exclude_that_matches_nothing_is_said(facts):
    matrix = read_matrix((AXES + "exclude: [{distro: debian11}]\n").encode(), "m.yaml", facts)
    assert matrix.notes == ("m.yaml:4: excludes nothing",)


def test_unoptimised_cells_go_to_the_dev_channel(facts):
    assert cells(AXES + "optimize: none\n", facts)["3.13.15-debian13-amd64"].channel == "dev"
    matrix = read_matrix((AXES + "channel: testing\ninclude: [{arch: amd64, optimize: none}]\n").encode(), "m.yaml", facts)
    assert matrix.cells[0].options.channel == "dev"
    assert matrix.notes == ("cells with 'optimize: none' go to the dev channel, not to testing",)


def test_aliases_are_followed(facts):
    text = AXES + "include:\n  - &quick {python: '3.14', distro: debian13, arch: amd64, optimize: none}\n  - *quick\n"
    assert set(cells(text, facts)) == {"3.13.15-debian13-amd64", "3.14.7-debian13-amd64"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # keys
        (AXES + "optimise: none\n", ["m.yaml:4: key 'optimise' is unknown (did you mean 'optimize'?)"]),
        (AXES + "include:\n  - {pythn: '3.13'}\n", ["m.yaml:5: key 'pythn' is unknown (did you mean 'python'?)"]),
        (AXES + "exclude:\n  - {python: '3.13', optimize: pgo}\n", ["m.yaml:5: key 'optimize' is unknown"]),
        (AXES + "arches: [amd64]\n", ["m.yaml:4: has the key 'arches' twice"]),
        # names
        (AXES.replace("debian13", "debain13"), ["m.yaml:2: key 'distros'", "distro 'debain13' (did you mean 'debian13'?)"]),
        (AXES.replace("3.13", "3.13.6"), ["m.yaml:1: key 'pythons'", "'3.13.6' (did you mean '3.13.5'?)"]),
        (AXES.replace("3.13", "3.12"), ["m.yaml:1: key 'pythons'", "Python version '3.12'"]),
        (AXES.replace("amd64", "x64"), ["m.yaml:3: key 'arches'", "arch 'x64' (there are: amd64, arm64)"]),
        (AXES + "variants: [freethreded]\n", ["m.yaml:4: key 'variants'", "(did you mean 'freethreaded'?)"]),
        (AXES + "include:\n\n  - {distro: debian31}\n", ["m.yaml:6: key 'distro'", "(did you mean 'debian13'?)"]),
        # versions that YAML reads as numbers
        (AXES.replace("'3.13'", "3.10"), ["m.yaml:1: key 'pythons': 3.10 is a number", "3.10 is 3.1", "quote it, '3.10'"]),
        (AXES.replace("'3.13'", "3"), ["m.yaml:1: key 'pythons': 3 is a number", "quote it"]),
        (AXES + "exclude: [{python: 2.7}]\n", ["m.yaml:4: key 'python': 2.7 is a number", "quote it, '2.7'"]),
        # types
        (AXES.replace("[amd64]", "amd64"), ["m.yaml:3: key 'arches': must be a list"]),
        (AXES.replace("[amd64]", "[[amd64]]"), ["m.yaml:3: key 'arches'"]),
        (AXES.replace("[amd64]", "[64]"), ["m.yaml:3: key 'arches': 64 is a number, not a name"]),
        (AXES.replace("[amd64]", "[~]"), ["m.yaml:3: key 'arches'"]),
        (AXES + "variants: []\n", ["m.yaml:4: key 'variants': is empty"]),
        (AXES + "include: 3\n", ["m.yaml:4: key 'include': must be a list"]),
        (AXES + "include: [a]\n", ["m.yaml:4: key 'include': must be a table of keys"]),
        ("- a\n", ["m.yaml:1: must be a table of keys"]),
        ("only text\n", ["m.yaml:1: must be a table of keys"]),
        # options
        (AXES + "optimize: fast\n", ["m.yaml:4: key 'optimize': there is no 'fast' (there are: none, pgo, pgo+lto)"]),
        (AXES + "channel: 3\n", ["m.yaml:4: key 'channel': there is no '3'"]),
        (AXES + "strip: splt\n", ["m.yaml:4: key 'strip': there is no 'splt' (did you mean 'split'?)"]),
        (AXES + "optimize: none\nchannel: stable\n", ["m.yaml:5: key 'channel'", "only the dev channel takes"]),
        (AXES + "optimize: none\ninclude: [{arch: amd64, channel: stable}]\n", ["m.yaml:5: key 'channel'", "optimize: none"]),
        # cells
        (AXES + "include:\n  - {distro: debian13, optimize: pgo}\n  - {arch: amd64, optimize: none}\n",
         ["m.yaml:6: 3.13.15-debian13-amd64 gets optimize 'none' here and 'pgo' on line 5"]),
        (AXES + "include: [{distro: debian12}]\n", ["m.yaml:4: matches no cell", "give it python and arch too"]),
        ("pythons: ['3.13']\narches: [amd64]\n", ["key 'distros' is missing or empty"]),
        ("pythons: []\n", ["asks for no cells", "'include'"]),
        (AXES + "exclude: [{python: '3.13'}]\n", ["m.yaml:4: asks for no cells: exclude takes out all of them"]),
        (AXES.replace("'3.13'", many("'3.13'")).replace("debian13", many("debian13")),
         [f"m.yaml:1: asks for more than {MAX_CELLS} cells"]),
        # not YAML at all: see test_yaml_text.py
        ("", ["m.yaml: is empty"]),
        (b"\x00\x01\x02\xff", ["m.yaml:1: is not text"]),
    ],
)  # fmt: skip
def test_mistakes_name_file_line_and_key(facts, text, parts):
    found = mistakes(text, facts)
    assert len(found) == 1, found
    for part in parts:
        assert part in found[0]


def test_all_mistakes_are_named_at_once(facts):
    axes = "pythons: [3.10, '3.13.6']\ndistros: [debain13]\narches: [x64]\n"
    text = axes + "colour: red\ninclude:\n  - {pythn: '3.13', arch: amd46}\n"
    assert [line.split(":")[1] for line in sorted(mistakes(text, facts))] == ["1", "1", "2", "3", "4", "6", "6"]


NAMES = st.sampled_from(
    ["3.13", "3.13.5", "3.14", "2.7", "debian13", "debian12", "amd64", "arm64", "default", "debug", "none", "pgo", "dev", ""]
)
VALUES = st.one_of(NAMES, st.lists(NAMES, max_size=3), st.floats(allow_nan=False), st.integers(), st.none(), st.booleans())
KEYS = st.sampled_from(["python", "distro", "arch", "variant", "optimize", "channel", "strip", "bytecode", "colour"])
BLOCKS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=3)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "pythons": st.lists(st.sampled_from(["3.13", "3.14", "2.7", "3.13.5"]), max_size=3),
            "distros": st.lists(st.sampled_from(["debian13", "debian11"]), max_size=2),
            "arches": st.lists(st.sampled_from(["amd64", "arm64"]), max_size=2),
            "variants": st.lists(st.sampled_from(["default", "debug"]), max_size=2),
            "optimize": st.sampled_from(["none", "pgo"]),
            "channel": VALUES,
            "exclude": BLOCKS,
            "include": BLOCKS,
        },
    )
)
def test_any_matrix_is_expanded_or_refused_with_a_line(facts, data):
    try:
        matrix = read_matrix(json.dumps(data).encode(), "m.yaml", facts)
    except BadInput as error:
        refused = error.message.splitlines()
    else:
        refused = []
        check(matrix, facts)
    assert all(line.startswith("m.yaml") for line in refused)


def check(matrix, facts):
    found = [asked.cell for asked in matrix.cells]
    assert len(set(found)) == len(found) > 0
    for asked in matrix.cells:
        facts.check(asked.cell)
        assert asked.options.optimize != "none" or asked.options.channel == "dev"


def test_the_schema_takes_our_own_files_and_refuses_what_we_refuse():
    schema = json.loads(json.dumps(MatrixFile.model_json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in (ROOT / "matrix.yaml", ROOT / "farm" / "data" / "starter.yaml"):
        validator.validate(YAML(typ="safe").load(path))
    for wrong in ({"colour": 1}, {"pythons": [3.1]}, {"optimize": "fast"}, {"include": [{"pythn": "3.13"}]}):
        assert not validator.is_valid(wrong), wrong


def test_the_starter_is_a_matrix(facts):
    text = (ROOT / "farm" / "data" / "starter.yaml").read_bytes()
    assert [str(asked.cell) for asked in read_matrix(text, "starter.yaml", facts).cells] == ["3.13.15-debian13-amd64"]


def test_the_commented_parts_of_the_starter_are_true(facts):
    text = (ROOT / "farm" / "data" / "starter.yaml").read_text()
    lines = [re.sub(r"^# ([a-z]+:|  - )", r"\1", line) for line in text.splitlines(keepends=True)]
    matrix = read_matrix("".join(lines).replace("channel: stable #", "channel: dev #").encode(), "starter.yaml", facts)
    assert len(matrix.cells) == 3


def test_every_option_can_be_asked_for(facts):
    assert {field.name for field in dataclasses.fields(Options)} <= set(MatrixFile.model_fields)
