"""What clients read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.index.model import Entry, Listed, Pointer
from farm.index.render import newest, sums, uv_index
from farm.plan.cell import Cell

TRIPLES = {"amd64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
BASE = "https://python.example.org/pre"


def entry(cell: str, build_id: str = "2026112201", *, uv: bool = True, kinds=("install_only",), forms=("tar.gz", "tar.zst")):
    arch = Cell.parse(cell).arch
    archives = tuple(
        Listed(kind=kind, format=form, key=f"artifacts/{cell}/{build_id}/{kind}.{form}", size=1, sha256=f"{len(kind):064x}")
        for kind in kinds
        for form in forms
    )
    return Entry(
        cell=cell,
        build_id=build_id,
        created="2026-11-22T15:30:00Z",
        triple=TRIPLES[arch],
        recipe="r",
        inputs="i",
        uv=uv,
        metadata=f"artifacts/{cell}.json",
        archives=archives,
    )


def with_tar(made):
    """The entry with what the registry needs."""
    archives = tuple(each.model_copy(update={"tar_sha256": "f" * 64}) for each in made.archives)
    return made.model_copy(update={"archives": archives})


def test_uv_index_is_what_uv_reads():
    assert json.loads(uv_index([entry("3.13.5-debian13-amd64")], f"{BASE}/")) == {
        "cpython-3.13.5-linux-x86_64-gnu": {
            "name": "cpython",
            "arch": {"family": "x86_64", "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": 3,
            "minor": 13,
            "patch": 5,
            "prerelease": "",
            "url": f"{BASE}/artifacts/3.13.5-debian13-amd64/2026112201/install_only.tar.zst",
            "sha256": f"{12:064x}",
            "variant": None,
            "build": "2026112201",
        }
    }


def test_uv_index_of_variants_prereleases_and_arches():
    cells = ["3.15.0rc2-debian13-arm64", "3.14.0-debian13-amd64-freethreaded-debug", "3.14.0-debian13-amd64"]
    found = json.loads(uv_index([entry(cell) for cell in cells], BASE))
    assert {(label, each["prerelease"], each["variant"], each["arch"]["family"]) for label, each in found.items()} == {
        ("cpython-3.15.0rc2-linux-aarch64-gnu", "rc2", None, "aarch64"),
        ("cpython-3.14.0+freethreaded+debug-linux-x86_64-gnu", "", "freethreaded+debug", "x86_64"),
        ("cpython-3.14.0-linux-x86_64-gnu", "", None, "x86_64"),
    }


def test_only_what_can_be_installed_enters_client_indexes():
    kinds = ("install_only", "debugsymbols", "tests", "static-lib")
    entries = [entry("3.13.5-debian13-amd64", kinds=kinds), entry("3.12.1-debian13-amd64", kinds=("tests",))]
    assert b"debugsymbols" not in uv_index(entries, BASE)
    assert list(json.loads(uv_index(entries, BASE))) == ["cpython-3.13.5-linux-x86_64-gnu"]
    assert sums(entries, BASE).decode().splitlines() == [
        f"{12:064x}  {BASE}/artifacts/3.13.5-debian13-amd64/2026112201/install_only.{form}" for form in ("tar.gz", "tar.zst")
    ]


def test_a_gzip_is_better_than_nothing():
    assert b"install_only.tar.gz" in uv_index([entry("3.13.5-debian13-amd64", forms=("tar.gz",))], BASE)


def test_a_version_that_uv_cannot_read_is_left_out():
    assert json.loads(uv_index([entry("2.7.18-debian13-amd64", uv=False)], BASE)) == {}


CELLS = ["3.13.5-debian13-amd64", "3.13.5-debian13-arm64", "3.13.10-debian13-amd64", "3.13.5-debian13-amd64-debug"]
ENTRIES = st.builds(entry, st.sampled_from(CELLS), st.integers(2026010101, 2026123199).map(str))


@given(st.lists(ENTRIES), st.randoms())
def test_order_does_not_matter_and_the_highest_build_wins(entries, random):
    mixed = list(entries)
    random.shuffle(mixed)
    assert uv_index(mixed, BASE) == uv_index(entries, BASE)
    assert sums(mixed, BASE) == sums(entries, BASE)
    for found in newest(entries):
        assert found.build_id == max(each.build_id for each in entries if each.cell == found.cell)


def test_a_pointer_with_another_schema_is_refused():
    with pytest.raises(ValueError, match="schema_version"):
        Pointer.model_validate_json('{"schema_version": 2, "channel": "dev"}')


def test_uv_takes_the_index(tmp_path):
    cells = ["3.13.5-debian13-amd64", "3.13.5-debian13-arm64", "3.14.0-debian13-amd64-freethreaded", "3.15.0rc2-debian13-amd64"]
    index = tmp_path / "debian13.json"
    index.write_bytes(uv_index([entry(cell) for cell in cells], BASE))
    uv = Path(sys.executable).with_name("uv")
    listed = subprocess.run(
        [
            *(uv, "python", "list", "--only-downloads", "--all-versions", "--all-arches", "--output-format", "json"),
            *("--python-downloads-json-url", index, "--cache-dir", tmp_path / "cache", "--no-config"),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "UV_PYTHON_PREFERENCE": "only-managed"},
    )
    found = {each["key"]: each for each in json.loads(listed.stdout)}
    assert set(found) == {
        "cpython-3.13.5-linux-x86_64-gnu",
        "cpython-3.13.5-linux-aarch64-gnu",
        "cpython-3.14.0+freethreaded-linux-x86_64-gnu",
        "cpython-3.15.0rc2-linux-x86_64-gnu",
    }
    assert found["cpython-3.13.5-linux-x86_64-gnu"]["url"].startswith(BASE)
