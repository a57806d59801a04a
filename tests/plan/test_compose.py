"""Recipes: what facts decide about each cell, and that the reasons are those of the same rows."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose, decisions
from farm.plan.facts import load_facts
from farm.plan.matrix import read_matrix
from farm.plan.options import Options
from farm.plan.recipe import digest_of, plain
from farm.plan.selection import impossible
from tests.plan import golden
from tests.plan.conftest import NONE, every_cell, recipe


@pytest.mark.parametrize(("matrix", "kept"), golden.GOLDENS.items(), ids=lambda path: path.name)
def test_a_matrix_decides_what_it_did(facts, matrix, kept):
    """Read the difference, then run `python -m tests.plan.golden`: every build of the changed cells becomes stale."""
    assert golden.text(facts, read_matrix(matrix.read_bytes(), matrix.name, facts)) == kept.read_text()


def test_what_is_expected_of_modules_is_what_it_was(facts):
    """Read the difference, then run `python -m tests.plan.golden`, for a new version with a folder that has its source."""
    assert golden.modules(facts) == golden.MODULES.read_text()


def test_a_digest_is_that_of_the_digests_of_all_parts(facts):
    for made in itertools.islice((compose(cell, options, facts, "code") for cell, options in every_cell(facts)), 50):
        parts = {name: digest_of(part) for name, part in plain(made).items()}
        assert made.digest == digest_of(parts)
        assert dataclasses.replace(made, code="other").digest == digest_of({**parts, "code": digest_of("other")})


def test_what_was_measured_and_is_not_taken_is_said_where_it_holds_and_changes_no_recipe(tmp_path, facts):
    row = '[slow]\nwhat = "-fslow"\noptimize = ["pgo+lto"]\nsince = "3.12"\nwhy = "it was 0.9 times as fast"\n'
    (tmp_path / "rejected.toml").write_text(row)
    told, cell = load_facts(tmp_path), Cell.parse("3.13.5-debian13-amd64")
    for other, optimize, there in (
        (cell, "pgo+lto", True),
        (cell, "none", False),
        (Cell.parse("3.11.2-debian12-amd64"), "pgo+lto", False),
    ):
        options = Options(optimize=optimize)
        said = [(one.value, one.why) for one in decisions(other, options, told) if one.subject == "measured, and not taken"]
        assert (("-fslow", "it was 0.9 times as fast") in said) is there
        assert compose(other, options, told, "code") == compose(other, options, facts, "code")


def test_reasons_are_given_for_exactly_what_the_recipe_has(facts):
    for cell, options in every_cell(facts):
        made, why = compose(cell, options, facts, "code"), decisions(cell, options, facts)
        values = [decision.value for decision in why]
        assert all(decision.why for decision in why)
        assert list(made.configure) == [decision.value for decision in why if decision.subject == "configure"]
        assert list(made.make_static) == [decision.value for decision in why if decision.subject == "make, static pass"]
        for item in (
            *made.build_packages,
            *(package.name for package in made.runtime),
            *made.scrub,
            *(pattern for pattern, _ in made.renamed),
        ):
            assert item in values, (cell, item)
        flags = [decision.value for decision in why if "FLAGS" in decision.subject]
        assert sorted(
            " ".join(value for name, _, value in (word.partition("=") for word in made.make) if "FLAGS" in name).split()
        ) == sorted(flags)
        assert [trim.glob for trim in made.trims] == [
            decision.value for decision in why if decision.subject.startswith(("moved", "left out"))
        ]


def test_every_recipe_is_whole(facts):
    for cell, options in every_cell(facts):
        made = compose(cell, options, facts, "code")
        assert {"gcc", "make", "patchelf", "patch"} <= set(made.build_packages)
        assert {
            "ca-certificates",
            *(each.name for each in facts.distros[cell.distro].facts.provides["netbase"].runtime),
        } <= set(made.required_packages)
        assert not [trim for trim in made.trims if "{" in trim.glob + "".join(trim.keep)]
        assert {"--enable-shared", "--prefix=/install"} <= set(made.configure)
        assert [word for word in made.make_static if "$(LIBRARY_OBJS)" in word]
        assert {word.partition("=")[0] for word in made.make_static} > {"BUILDPYTHON"}


def test_the_order_of_facts_files_is_the_order_of_arguments(facts):
    arguments = recipe("3.13.5-debian13-amd64", facts).configure
    wanted = [row.arg for row in facts.configure.values() if row.arg in arguments]
    assert list(arguments) == wanted


@pytest.mark.parametrize(
    ("cell", "has", "has_not"),
    [
        ("2.7.18-debian11-amd64", ["--enable-unicode=ucs4", "--with-system-ffi", "--with-fpectl"],
         ["--enable-loadable-sqlite-extensions", "--with-system-libmpdec"]),
        ("3.9.2-debian11-amd64", ["--enable-loadable-sqlite-extensions"],
         ["--with-system-libmpdec", "--with-system-libmpdec=no", "--with-system-ffi"]),
        ("3.11.2-debian12-amd64", ["--with-system-libmpdec=no"], ["--with-system-libmpdec"]),
        ("3.13.5-debian13-amd64", ["--with-system-libmpdec=no"], ["--with-system-libmpdec", "--disable-gil"]),
        ("3.14.7-debian13-amd64-freethreaded", ["--disable-gil"], ["--with-pydebug"]),
        ("3.14.7-debian13-amd64-freethreaded-debug", ["--disable-gil", "--with-pydebug"], []),
    ],
)  # fmt: skip
def test_arguments_that_versions_and_distros_differ_in(facts, cell, has, has_not):
    arguments = recipe(cell, facts).configure
    assert set(has) <= set(arguments)
    assert not set(has_not) & set(arguments)


@pytest.mark.parametrize(
    ("version", "words"),
    [("3.0.1", ["--with-wide-unicode"]), ("3.1.5", ["--with-wide-unicode"]), ("3.2.6", ["--with-wide-unicode"]), ("3.3.7", [])],
)
def test_wide_unicode_under_the_name_that_3_0_to_3_2_have_for_it(tmp_path, version, words):
    """No source of theirs is pinned: the rows hold for an operator's own."""
    series = version.rpartition(".")[0]
    (tmp_path / "pythons.toml").write_text(
        f'["{series}"]\nstatus = "end-of-life"\neol = 2016-02-27\nbytecode = "none"\nbytecode_why = "before 3.7"\n'
    )
    file = f"Python-{version}.tgz"
    (tmp_path / "sources.toml").write_text(
        f'["{version}"]\nfile = "{file}"\nsha256 = "{"0" * 64}"\npath = "{version}/{file}"\nepoch = 1400000000\n'
    )
    arguments = recipe(f"{version}-debian11-amd64", load_facts(tmp_path)).configure
    assert [word for word in arguments if "unicode" in word] == words


@pytest.mark.parametrize(
    ("cell", "optimize", "words"),
    [
        ("3.13.5-debian13-amd64", "none", []),
        ("3.13.5-debian13-amd64", "pgo", ["--enable-optimizations"]),
        ("3.13.5-debian13-amd64", "pgo+lto", ["--enable-optimizations", "--with-lto=full"]),
        ("3.9.2-debian11-amd64", "pgo+lto", ["--enable-optimizations", "--with-lto"]),
    ],
)
def test_optimisation(facts, cell, optimize, words):
    arguments = recipe(cell, facts, Options(optimize=optimize)).configure
    assert [word for word in arguments if "optimizations" in word or "lto" in word] == words


@pytest.mark.parametrize(
    ("cell", "layout"),
    [
        ("2.7.18-debian11-amd64", ("2.7", "", "python2.7", "python2.7", "libpython2.7.so.1.0")),
        ("3.13.5-debian13-amd64", ("3.13", "", "python3.13", "python3.13", "libpython3.13.so.1.0")),
        ("3.13.5-debian13-amd64-debug", ("3.13", "d", "python3.13", "python3.13d", "libpython3.13d.so.1.0")),
        ("3.13.5-debian13-amd64-freethreaded", ("3.13", "t", "python3.13t", "python3.13t", "libpython3.13t.so.1.0")),
        ("3.13.5-debian13-amd64-freethreaded-debug", ("3.13", "td", "python3.13t", "python3.13td", "libpython3.13td.so.1.0")),
    ],
)
def test_names(facts, cell, layout):
    assert dataclasses.astuple(recipe(cell, facts).layout)[:-1] == layout


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("2.7.18-debian11-amd64", ("python", "python2", "pip", "pip2")),
        ("3.13.5-debian13-amd64-debug", ("python", "python3", "pip", "pip3")),
    ],
)
def test_names_in_bin(facts, cell, names):
    assert recipe(cell, facts).layout.names == names


def test_flags_go_where_the_version_keeps_them_out_of_sysconfig(facts):
    def flag_variables(cell):
        return [name for name, _, _ in (word.partition("=") for word in recipe(cell, facts).make) if "FLAGS" in name]

    assert flag_variables("2.7.18-debian11-amd64") == ["EXTRA_CFLAGS", "LDFLAGS"]
    assert flag_variables("3.13.5-debian13-amd64") == ["CFLAGS_NODIST", "LDFLAGS_NODIST"]


def test_flags_that_arches_and_variants_differ_in(facts):
    def flags(cell):
        return recipe(cell, facts).make[0].split()

    assert "-fcf-protection" in flags("3.13.5-debian13-amd64")
    assert "-mbranch-protection=standard" in flags("3.13.5-debian13-arm64")
    assert "-fcf-protection" not in flags("3.13.5-debian13-arm64")
    assert "-D_FORTIFY_SOURCE=2" not in flags("3.13.5-debian13-amd64-debug")


def test_a_recipe_and_its_digest_are_the_same_every_time(facts):
    again = load_facts()
    for cell, options in itertools.islice(every_cell(facts), 0, None, 37):
        assert compose(cell, options, facts, "code").digest == compose(cell, options, again, "code").digest


def test_the_digest_tells_apart_whatever_differs(facts):
    one = recipe("3.13.5-debian13-amd64", facts)
    others = [
        recipe("3.13.15-debian13-amd64", facts),
        recipe("3.13.5-debian13-arm64", facts),
        recipe("3.13.5-debian13-amd64", facts, Options()),
        dataclasses.replace(one, code="other"),
        dataclasses.replace(one, strip="keep"),
        dataclasses.replace(one, modules=one.modules[1:]),
        dataclasses.replace(one, make=tuple(reversed(one.make))),
    ]
    assert len({made.digest for made in [one, *others]}) == len(others) + 1


def test_bytecode_is_the_series_choice_unless_the_matrix_has_one(facts):
    assert recipe("2.7.18-debian11-amd64", facts).bytecode == "none"
    assert recipe("3.13.5-debian13-amd64", facts).bytecode == "unchecked-hash"
    chosen = recipe("3.13.5-debian13-amd64", facts, Options(optimize="none", bytecode="none", channel="dev"))
    assert chosen.bytecode == "none"


def test_musl_stands_in_the_name_and_changes_stacks_and_profiles(facts):
    cell = Cell.parse("3.13.15-alpine3.22-amd64")
    assert facts.triple(cell) == "x86_64-unknown-linux-musl"
    words = " ".join(recipe(str(cell), facts).make)
    assert "-DTHREAD_STACK_SIZE=0x100000" in words
    assert "-Wl,-z,stack-size=1048576" in words
    assert "fail on musl" in impossible(cell, Options(optimize="pgo"), facts)
    assert "libzstd 1.4.5" in impossible(Cell.parse("3.14.7-rocky8-amd64"), NONE, facts)


@pytest.mark.parametrize(
    ("cell", "optimize", "clang"),
    [
        ("3.14.7-debian13-amd64", "pgo+lto", True),
        ("3.14.7-debian12-amd64", "pgo+lto", False),
        ("3.15.0rc2-debian13-amd64-freethreaded", "pgo+lto", True),
        ("3.14.7-debian13-amd64", "pgo", False),
        ("3.14.7-debian13-amd64", "none", False),
        ("3.14.7-debian13-amd64-debug", "none", False),
        ("3.14.7-debian13-arm64", "pgo+lto", False),
        ("3.14.7-debian11-amd64", "pgo+lto", False),
        ("3.13.15-debian13-amd64", "pgo+lto", False),
        ("3.14.7-ubuntu24.04-amd64", "pgo+lto", False),
        ("3.14.7-rocky9-amd64", "pgo+lto", False),
    ],
)
def test_who_is_compiled_by_clang_is_so_in_every_part_and_tells_no_user(facts, cell, optimize, clang):
    made = compose(Cell.parse(cell), Options(optimize=optimize), facts, "")
    words = " ".join((*made.configure, *made.make))
    assert ("clang-19" in dict(made.environment).values()) == clang
    for word in (
        "--with-tail-call-interp",
        "-fuse-ld=lld",
        "-ffat-lto-objects",
        "-fprofile-instr-generate",
        "-grecord-command",
    ):
        assert (word in words) == clang, word
    assert not (clang and ("-gno-as-loc-support" in words or "-fprofile-generate" in words))
    assert (("clang-19", "gcc") in made.renamed) == clang
    assert ("clang-19" in made.build_packages) == ("debian13-amd64" in cell)
