"""`farm pull --with-runtime` prints or installs what this host lacks, by a query and a command that are facts of the tests."""

from __future__ import annotations

import json

import pytest

from farm.errors import BadInput, Transient
from farm.plan.facts import load_facts
from farm.pull import runtime
from tests.pull.conftest import BUILD, CELL

NEEDED = ("libffi8", "libssl3t64", "zlib1g")


@pytest.fixture
def host(shop, tmp_path, monkeypatch):
    """What is installed, as a file: facts of our own ask it, and a program on PATH adds to it."""
    shop.offer(CELL, str(int(BUILD) + 1), runtime=NEEDED)
    installed, programs, facts = tmp_path / "installed", tmp_path / "programs", tmp_path / "facts"
    installed.write_text("libc6 2.41-1\nlibssl3t64 3.5.1-1\n")
    programs.mkdir()
    (programs / "add-packages").write_text(f'#!/bin/sh\nfor name; do echo "$name 1.0-1"; done >>{installed}\n')
    (programs / "add-packages").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    row = load_facts().distros["debian13"].family.model_dump(exclude_defaults=True)
    row |= {"query": f"cat {installed}", "install": "add-packages {packages}"}
    facts.mkdir()
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in row.items())
    (facts / "families.toml").write_text(f"[debian]\n{lines}\n")
    monkeypatch.setenv("FARM_FACTS", str(facts))
    return installed


@pytest.fixture
def root(monkeypatch):
    monkeypatch.setattr(runtime.os, "geteuid", lambda: 0)


def test_what_is_missing_is_printed_and_nothing_installed(host, pull):
    before = host.read_text()
    assert pull("--with-runtime")["missing"] == ["libffi8", "zlib1g"]
    assert "\nmissing packages: add-packages libffi8 zlib1g\n" in pull("--with-runtime", text=True)
    assert host.read_text() == before


def test_without_the_option_nobody_asks(host, pull):
    host.unlink()
    assert pull()["missing"] == []
    assert "missing packages" not in pull(text=True)


@pytest.mark.usefixtures("root")
def test_what_is_missing_is_installed_and_only_that(host, pull):
    assert pull("--with-runtime=install")["missing"] == []
    assert [line.split()[0] for line in host.read_text().splitlines()] == ["libc6", "libssl3t64", "libffi8", "zlib1g"]
    assert "missing packages" not in pull("--with-runtime=install", text=True)
    assert len(host.read_text().splitlines()) == 4


@pytest.mark.usefixtures("root")
def test_a_package_manager_that_fails_is_told_of(host, pull, tmp_path):
    (tmp_path / "programs/add-packages").write_text("#!/bin/sh\necho no such package: $1 >&2\nexit 100\n")
    with pytest.raises(Transient, match="no such package: libffi8") as caught:
        pull("--with-runtime=install")
    assert caught.value.hint == "run it by hand: add-packages libffi8 zlib1g"


def test_only_root_installs(host, pull, monkeypatch):
    monkeypatch.setattr(runtime.os, "geteuid", lambda: 1000)
    before = host.read_text()
    with pytest.raises(BadInput, match="only root can install") as caught:
        pull("--with-runtime=install")
    assert caught.value.hint == "as root: add-packages libffi8 zlib1g"
    assert host.read_text() == before


def test_a_host_of_another_distro_is_told_so(host, pull):
    host.unlink()
    with pytest.raises(BadInput, match="cannot be listed"):
        pull("--with-runtime")
