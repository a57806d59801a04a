"""Clients that install from the files that a channel has for them, unchanged."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import starlark

from farm.plan.cell import Cell
from farm.store import keys
from tests.clients.conftest import run, tool
from tests.clients.newer import newer
from tests.clients.shop import CHANNEL
from tests.publish.staging import PACK, member, tar_of

OLD, NEW = "2026112201", "2026112202"


def cell(arch, python="3.13.5"):
    return f"{python}-debian13-{arch}"


# --- hatch ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def hatched(shop, home, tmp_path, host_arch):
    def call(*words, ok=True, without=""):
        script = tmp_path / "hatch.sh"
        script.write_text(re.sub(without, "", shop.text(keys.hatch(CHANNEL, "debian13", host_arch))))
        command = shlex.join([str(tool("hatch")), "--no-color", "python", *words])
        return run(home, "sh", "-c", f". {script} && {command}", ok=ok)

    return call


def test_hatch_installs_shows_and_removes_it(shop, hatched, home, tmp_path, host_arch):
    python = tmp_path / "pythons" / "3.13" / "python" / "bin" / "python3"
    options = ("--private", "--dir", str(tmp_path / "pythons"))
    shop.offer(cell(host_arch, "3.13.4"), NEW)
    shop.offer(cell(host_arch), OLD)
    hatched("install", "3.13", *options)
    assert run(home, python).split() == ["Python", "3.13.5", OLD]
    assert "3.13.5" in hatched("show", "--ascii", "--dir", str(tmp_path / "pythons"))
    shop.offer(cell(host_arch), NEW)
    hatched("remove", "3.13", "--dir", str(tmp_path / "pythons"))  # `update` compares the new source with itself
    hatched("install", "3.13", *options)
    assert run(home, python).split() == ["Python", "3.13.5", NEW]


def test_what_hatch_makes_of_a_newer_build_of_other_bytes_and_of_other_addresses(shop, hatched, home, tmp_path, host_arch):
    """As docs/clients.md has it; a release of hatch that does better makes this fail."""
    folder = tmp_path / "pythons"
    python = folder / "3.13" / "python" / "bin" / "python3"
    first = shop.offer(cell(host_arch), OLD).archives[0]
    hatched("install", "3.13", "--private", "--dir", str(folder))
    second = shop.offer(cell(host_arch), NEW).archives[0]
    hatched("update", "3.13", "--dir", str(folder))
    assert run(home, python).split()[-1] == OLD, "it compares the new address with itself"
    (shop.store.root / second.key).write_bytes(shop.store.get(first.key)[0])
    hatched("remove", "3.13", "--dir", str(folder))
    hatched("install", "3.13", "--private", "--dir", str(folder), without="#[^']*")
    assert run(home, python).split()[-1] == OLD, "it compares no checksum"
    assert "Unknown distribution source" in hatched("show", "--dir", str(folder), without="#[^']*", ok=False)


# --- python-build ---------------------------------------------------------------------------------------------------

# What python-build does with such a line: https://github.com/pyenv/pyenv/tree/master/plugins/python-build
INSTALL_PACKAGE = """
install_package() {
    test "$3" = copy || exit 9
    curl -fsS "${2%%#*}" -o archive || exit 8
    echo "${2##*#}  archive" | sha256sum -c --quiet || exit 7
    mkdir "$1" && tar -xzf archive -C "$1" --strip-components=1
    echo "$1"
}
"""


def defined(shop, home, folder, name, machine=None, ok=True):
    definition = keys.pyenv(CHANNEL, Cell.parse(name))
    folder.mkdir(exist_ok=True)
    played = f"uname() {{ echo {machine}; }}\n" if machine else ""
    script = INSTALL_PACKAGE + played + shop.text(definition)
    return definition.rpartition("/")[2], run(home, "bash", "-ec", script, cwd=folder, ok=ok)


def test_a_definition_names_url_and_hash_for_each_machine(shop, home, tmp_path):
    shop.offer("3.13.5-debian13-amd64", OLD)
    shop.offer("3.13.5-debian13-arm64", NEW)
    for machine, build in (("x86_64", OLD), ("aarch64", NEW)):
        name, said = defined(shop, home, tmp_path / machine, "3.13.5-debian13-amd64", machine)
        assert (name, said.split()) == ("3.13.5-debian13", ["cpython-3.13.5-debian13"])
        assert run(home, tmp_path / machine / said.strip() / "bin" / "python3").split() == ["Python", "3.13.5", build]
    assert "not offered for riscv64" in defined(shop, home, tmp_path / "r", "3.13.5-debian13-amd64", "riscv64", ok=False)[1]


@pytest.fixture
def definitions(shop, home, tmp_path, host_arch):
    """The environment in which python-build knows a definition, the store's or another; other hosts are asked by proxy."""
    folder = tmp_path / "definitions"
    folder.mkdir()

    def call(text=""):
        (folder / "3.13.5-debian13").write_text(text or shop.text(keys.pyenv(CHANNEL, Cell.parse(cell(host_arch)))))
        return home | {"https_proxy": shop.base_url, "no_proxy": "127.0.0.1", "PYTHON_BUILD_DEFINITIONS": str(folder)}

    return call


@pytest.fixture
def python_build(definitions):
    def call(prefix, text="", ok=True, **environment):
        return run(definitions(text) | environment, newer("usr/bin/python-build"), "3.13.5-debian13", prefix, ok=ok)

    return call


def test_pyenv_installs_runs_and_removes_it(shop, definitions, host_arch):
    shop.offer(cell(host_arch))
    program = newer("usr/bin/pyenv")
    environment = definitions()
    environment["PATH"] = f"{program.parent}:{environment['PATH']}"
    run(environment, program, "install", "3.13.5-debian13")
    assert run(environment, program, "versions", "--bare").split() == ["3.13.5-debian13"]
    said = run(environment | {"PYENV_VERSION": "3.13.5-debian13"}, program, "exec", "python3")
    assert said.split() == ["Python", "3.13.5", OLD]
    run(environment, program, "uninstall", "--force", "3.13.5-debian13")
    assert run(environment, program, "versions", "--bare").split() == []


def test_python_build_itself(shop, home, tmp_path, host_arch, python_build):
    entry = shop.offer(cell(host_arch))
    python_build(tmp_path / "prefix")
    assert run(home, tmp_path / "prefix" / "bin" / "python3").split()[1] == "3.13.5"
    assert not any("CONNECT" in line for line in shop.asked), "its default mirror is asked for archives of ours"
    shop.spoil(entry.archives[0].key)
    assert "checksum mismatch" in python_build(tmp_path / "second", ok=False)
    assert not (tmp_path / "second").exists()


def test_python_build_takes_it_from_a_mirror_by_its_hash(shop, home, tmp_path, host_arch, python_build):
    archive = shop.offer(cell(host_arch)).archives[0]
    mirror = {"PYTHON_BUILD_MIRROR_URL": shop.url("artifacts/mirror")}
    python_build(tmp_path / "first", **mirror)
    shop.store.put(f"artifacts/mirror/{archive.sha256}", shop.store.get(archive.key)[0])
    shop.store.delete(archive.key)
    python_build(tmp_path / "second", **mirror)
    for name in ("first", "second"):
        assert run(home, tmp_path / name / "bin" / "python3").split()[1:] == ["3.13.5", OLD]
    shop.spoil(f"artifacts/mirror/{archive.sha256}")
    assert "checksum mismatch" in python_build(tmp_path / "third", ok=False, **mirror)
    assert not (tmp_path / "third").exists()


def test_python_build_puts_an_archive_without_a_folder_on_top_elsewhere(shop, tmp_path, host_arch, python_build):
    """Why ours have one: it ends well and says so."""
    flat = PACK["tar.gz"](tar_of(member(f"bin/{name}", b"#!/bin/sh\n", mode=0o755) for name in ("python3", "python3.13")))
    shop.store.put("artifacts/flat.tar.gz", flat)
    address = f"{shop.url('artifacts/flat.tar.gz')}#{hashlib.sha256(flat).hexdigest()}"
    assert "Installed" in python_build(tmp_path / "prefix", f'install_package "flat" "{address}" copy\n')
    assert not (tmp_path / "prefix" / "bin" / "python3").exists()


# --- rules_python ---------------------------------------------------------------------------------------------------


@pytest.mark.optional
def test_the_parser_of_rules_python_itself(shop, host_arch):
    """The real one, run as Bazel would: `tests/index/test_exports.py` says its rules again for where it cannot be had."""
    place = os.environ.get("FARM_TEST_RULES_PYTHON")
    if not place:
        pytest.skip("FARM_TEST_RULES_PYTHON names no checkout of rules_python 2.1 or newer, and no package index has one")
    for name in (cell(host_arch), cell(host_arch, "3.14.0")):
        shop.offer(name)
    parser = Path(place, "python", "private", "pbs_manifest.bzl")
    module = starlark.Module()
    dialect = starlark.Globals.extended_by([starlark.LibraryExtension.StructType])
    starlark.eval(module, starlark.parse(str(parser), parser.read_text()), dialect)
    module["content"] = shop.text(keys.bazel(CHANNEL, "debian13"))
    asked = "[[p.python_version, p.arch, p.libc, p.archive_flavor, p.location] for p in parse_sha_manifest(content)]"
    found = starlark.eval(module, starlark.parse("asked", asked), dialect)
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[host_arch]
    assert sorted(tuple(line[:4]) for line in found) == [
        (version, machine, "gnu", "install_only") for version in ("3.13.5", "3.14.0")
    ]
    assert all(line[4].startswith(shop.base_url) for line in found)


# --- the others -----------------------------------------------------------------------------------------------------


def test_sha256sum_takes_the_sums(shop, home, tmp_path, host_arch):
    entry = shop.offer(cell(host_arch))
    lines = shop.text(keys.sums(CHANNEL, "debian13")).replace(f"{shop.base_url}/", f"{shop.store.root}/")
    (tmp_path / "SHA256SUMS").write_text(lines)
    assert run(home, "sha256sum", "-c", tmp_path / "SHA256SUMS").count(": OK") == 2
    shop.spoil(entry.archives[0].key)
    assert "FAILED" in run(home, "sha256sum", "-c", tmp_path / "SHA256SUMS", ok=False)


@pytest.mark.parametrize("key", [keys.pants, keys.paketo])
def test_toml_that_is_read_by_clients_that_cannot_run_here(shop, key):
    entry = shop.offer("3.13.5-ubuntu24.04-amd64")
    shop.offer("3.13.5-ubuntu24.04-amd64-freethreaded")
    document = tomllib.loads(shop.text(key(CHANNEL, "ubuntu24.04")))
    archive = entry.archives[0]
    assert json.dumps(document).count(shop.url(archive.key)) == (2 if key is keys.paketo else 1)
    assert json.dumps(document).count(archive.sha256) == (2 if key is keys.paketo else 1)
    assert "freethreaded" not in json.dumps(document)
