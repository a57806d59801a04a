"""The files of all clients: kept as text, and parsed by rules of their readers."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import starlark
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as Release

from farm.export.table import FILES
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.store import keys
from farm.store.headers import MUTABLE, headers
from tests.index.test_render import BASE, CELLS, ENTRIES, entry, with_tar

GOLDEN = Path(__file__).parent / "golden" / "exports.txt"
OFFERED = [
    ("3.13.5-debian13-amd64", "2026112201"),
    ("3.13.5-debian13-amd64", "2026112202"),
    ("3.13.5-debian13-arm64", "2026112201"),
    ("3.13.10-debian13-amd64", "2026112201"),
    ("3.14.0-debian13-amd64", "2026112201"),
    ("3.14.0-debian13-amd64-freethreaded", "2026112201"),
    ("3.15.0rc2-debian13-arm64", "2026112201"),
]
BY_FORMAT = {export.format: export for export in FILES}


def files(entries):
    """Every file of every client, as a channel has it."""
    found = {}
    for export in FILES:
        names = {export.key("stable", Cell.parse(each.cell)) for each in entries}
        for name in names:
            same = [each for each in entries if export.key("stable", Cell.parse(each.cell)) == name]
            found[name] = export.render(same, BASE)
    return dict(sorted(found.items()))


def golden():
    made = files([with_tar(entry(cell, build_id)) for cell, build_id in OFFERED])
    return "".join(f"===== {name}\n{data.decode().rstrip()}\n" for name, data in made.items())


def test_the_files_are_those_that_were_read_and_found_good():
    assert golden() == GOLDEN.read_text(), "read `git diff` after `python -m tests.index.test_exports`"


def test_every_file_is_asked_for_again_and_has_a_key_of_its_own():
    made = files([with_tar(entry(cell, build_id)) for cell, build_id in OFFERED])
    assert len(made) == sum(len({e.key("stable", Cell.parse(c)) for c, _ in OFFERED}) for e in FILES)
    assert all(keys.valid(name) and headers(name, data).cache_control == MUTABLE for name, data in made.items())


@pytest.mark.parametrize("export", FILES, ids=lambda export: export.format)
@given(entries=st.lists(ENTRIES))
def test_order_does_not_matter_and_nothing_yanked_is_offered(export, entries):
    yanked = [each.model_copy(update={"yanked": "broken", "build_id": "2027010101"}) for each in entries]
    assert export.render([*reversed(entries), *yanked], BASE) == export.render(entries, BASE)
    assert b"2027010101" not in export.render(yanked, BASE)


@given(st.lists(ENTRIES, min_size=1))
def test_toml_and_shell_are_well_formed(entries):
    for name, data in files(entries).items():
        if name.endswith(".toml"):
            tomllib.loads(data.decode())
    hatch = BY_FORMAT["hatch"].render(entries, BASE).decode()
    assert all(re.fullmatch(r"export HATCH_[A-Z0-9_]+='?[^' ]+'?", line) for line in hatch.splitlines())


@pytest.mark.parametrize("entries", [[], [entry(cell) for cell in CELLS]], ids=["none", "some"])
def test_a_definition_is_a_script_that_bash_reads(entries):
    script = BY_FORMAT["pyenv"].render(entries, BASE)
    assert subprocess.run(["bash", "-n"], input=script, capture_output=True, check=False).stderr == b""


# What rules_python 2.1 makes of a line of a manifest (`python/private/pbs_manifest.bzl`), said again as one expression.
RULES = re.compile(
    r"cpython-(?P<version>[^-+]+)-(?P<arch>[^-]+)-(?P<vendor>[^-]+)-(?P<os>[^-]+)-(?P<libc>gnu|musl)"
    r"(?P<free>-freethreaded)?(?:-(?P<flavor>.+?))??-(?P<archive>install_only|full)\.tar\.(?:gz|zst)"
)


def real_names(cells):
    """The cells with archives that are called as published ones are."""
    for cell in map(Cell.parse, cells):
        made = entry(str(cell))
        renamed = tuple(
            each.model_copy(
                update={"key": f"artifacts/{keys.archive_name(cell, made.triple, made.build_id, each.kind, each.format)}"}
            )
            for each in made.archives
        )
        yield made.model_copy(update={"archives": renamed})


def test_rules_python_parses_the_manifest_and_no_build_passes_for_another():
    lines = BY_FORMAT["bazel"].render(real_names([*CELLS, "3.14.0-debian13-amd64-freethreaded"]), BASE).decode().splitlines()
    found = [RULES.fullmatch(line.split()[1].rpartition("/")[2]).groupdict() for line in lines]
    assert [(each["version"], each["arch"], each["libc"], each["free"], each["archive"]) for each in found] == [
        ("3.13.10", "x86_64", "gnu", None, "install_only"),
        ("3.13.5", "aarch64", "gnu", None, "install_only"),
        ("3.13.5", "x86_64", "gnu", None, "install_only"),
    ]
    assert {each["flavor"] for each in found} == {"debian13.2026112201"}
    assert {(each["vendor"], each["os"]) for each in found} == {("unknown", "linux")}


RECORD = json.loads((GOLDEN.parent / "rules_python.json").read_text("utf-8"))


def test_rules_python_was_seen_to_parse_todays_manifest_as_these_rules_do():
    """`parsed` is what the parser of that hash gave for `manifest` in a Starlark interpreter; none of its code is here."""
    lines = BY_FORMAT["bazel"].render(real_names(RECORD["cells"]), BASE).decode().splitlines()
    assert lines == RECORD["manifest"], "have its parser read them again (tests/clients/test_install.py), then record that"
    for line, seen in zip(lines, RECORD["parsed"], strict=True):
        sha256, address = line.split()
        found = RULES.fullmatch(address.rpartition("/")[2]).groupdict()
        names = {"python_version": "version", "archive_flavor": "archive"}
        for name in ("python_version", "arch", "vendor", "os", "libc", "flavor", "archive_flavor"):
            assert seen[name] == found[names.get(name, name)], name
        assert (seen["freethreaded"], seen["sha256"], seen["location"]) == (bool(found["free"]), sha256, address)


def test_the_page_says_that_the_manifest_may_register_nothing():
    """What was read of `registration`: for these platforms it passes over all archives but full ones."""
    platforms = {"-".join((each["arch"], each["vendor"], each["os"], each["libc"])) for each in RECORD["parsed"]}
    assert platforms <= set(RECORD["registration"]["takes_only_full"])
    assert {each["archive_flavor"] for each in RECORD["parsed"]} == {"install_only"}
    page = (Path(__file__).parents[2] / "docs" / "clients.md").read_text("utf-8")
    assert RECORD["registration"]["commit"][:12] in page
    assert "single_version_platform_override" in page


def test_bazel_reads_lines_that_name_each_python_once():
    text = BY_FORMAT["bzlmod"].render(real_names([*CELLS, "3.14.0-debian13-amd64-freethreaded"]), BASE).decode()
    module, dialect = starlark.Module(), starlark.Globals.extended_by([starlark.LibraryExtension.StructType])
    called = """
def use_extension(file, name):
    return struct(single_version_platform_override = lambda **said: seen.append(said)) if name == "python" else None
seen = []
"""
    starlark.eval(module, starlark.parse("MODULE.bazel", called + text, starlark.Dialect.extended()), dialect)
    seen = module["seen"]
    assert [(each["python_version"], each["platform"]) for each in seen] == [
        ("3.13.5", "x86_64-unknown-linux-gnu"),
        ("3.13.5", "aarch64-unknown-linux-gnu"),
        ("3.13.10", "x86_64-unknown-linux-gnu"),
    ]
    assert all(set(each) == {"platform", "python_version", "sha256", "strip_prefix", "urls"} for each in seen)
    assert all(each["strip_prefix"] == "python" and each["sha256"] == f"{12:064x}" for each in seen)
    assert all(len(each["urls"]) == 1 and each["urls"][0].startswith(f"{BASE}/artifacts/") for each in seen)


def test_paketo_is_offered_what_is_for_its_stacks_with_the_source_and_its_end():
    cells = [f"3.13.5-{distro}-amd64" for distro in ("ubuntu22.04", "ubuntu24.04", "debian13")]
    found = tomllib.loads(BY_FORMAT["paketo"].render(real_names(cells), BASE).decode())["metadata"]["dependencies"]
    assert [each["stacks"] for each in found] == [["io.buildpacks.stacks.jammy"], ["io.buildpacks.stacks.noble"]]
    known = load_facts()
    for each in found:
        assert each["source"] == f"https://www.python.org/ftp/python/{known.sources['3.13.5'].path}"
        assert each["source-checksum"] == f"sha256:{known.sources['3.13.5'].sha256}"
        assert each["deprecation_date"] == f"{known.series['3.13'].eol}T00:00:00Z"
        assert each["uri"] != each["source"], "or the buildpack would compile it"
    assert not tomllib.loads(BY_FORMAT["paketo"].render(real_names(cells[2:]), BASE).decode())
    (future,) = tomllib.loads(BY_FORMAT["paketo"].render(real_names(["3.99.0-ubuntu24.04-amd64"]), BASE).decode())["metadata"][
        "dependencies"
    ]
    assert not {"source", "source-checksum", "deprecation_date"} & set(future), "of which no facts tell"


# What Pants 2.24 wants of the five fields of an element (`python_build_standalone/rules.py`), said again as one expression.
PANTS = re.compile(
    r"(?P<version>[^+|]+)\+(?P<tag>[^|]+)\|(?P<platform>linux_x86_64|linux_arm64)\|[0-9a-f]{64}\|\d+\|https?://[^|]+\.tar\.gz"
)


def test_pants_takes_every_element_for_the_build_that_it_is():
    text = BY_FORMAT["pants"].render(real_names([*CELLS, "3.15.0rc2-debian13-arm64"]), BASE).decode()
    elements = tomllib.loads(text)["python-build-standalone-python-provider"]["known_python_versions"]
    found = [PANTS.fullmatch(element).groupdict() for element in elements]
    assert [(Release(each["version"]), Release(each["tag"]), each["platform"]) for each in found] == [
        (Release("3.13.5"), Release("2026112201"), "linux_x86_64"),
        (Release("3.13.5"), Release("2026112201"), "linux_arm64"),
        (Release("3.13.10"), Release("2026112201"), "linux_x86_64"),
        (Release("3.15rc2"), Release("2026112201"), "linux_arm64"),
    ]


if __name__ == "__main__":
    GOLDEN.write_text(golden())
