"""Wheels that checks install: rows name what pip takes, and nothing else."""

from __future__ import annotations

import hashlib
import sys

import pytest

from farm.settings import Settings
from tests.verify.crafted import build_info
from workers.verify import wheels
from workers.verify.table import TABLE

OLD = build_info(python="2.7.18", series="2.7")


@pytest.mark.parametrize("trial", [check.trial for check in TABLE if check.trial])
def test_every_trial_has_wheels_for_each_series(trial):
    for version in ((3, 9, 2), (3, 11, 2), (3, 13, 5), (3, 14, 7), (3, 15, 0)):
        assert wheels.wheels(build_info(), version, trial), version
    assert bool(wheels.wheels(OLD, (2, 7, 18), trial)) == (trial not in ("meson", "cmake"))


def test_every_row_is_of_a_trial():
    known = {check.trial for check in TABLE}
    assert all(set(row.trials) <= known for row in wheels._rows().values())


def test_a_wheel_is_for_its_arch_and_variant():
    (amd64,) = wheels.wheels(build_info(), (3, 13, 5), "manylinux")
    (arm64,) = wheels.wheels(build_info(arch="arm64"), (3, 13, 5), "manylinux")
    assert ("x86_64" in amd64, "aarch64" in arm64) == (True, True)
    assert not wheels.wheels(build_info(variant="freethreaded"), (3, 14, 0), "manylinux")


def test_pip_is_asked_for_this_very_wheel():
    name = "psutil-6.1.1-cp27-cp27mu-manylinux2010_x86_64.whl"
    assert wheels.requirement(name, "ab") == "psutil==6.1.1 --hash=sha256:ab\n"
    words = " ".join(wheels.download_words(name, "2.7"))
    assert words.endswith("--python-version 2.7 --implementation cp --abi cp27mu --platform manylinux2010_x86_64")
    two = wheels.download_words("x-1-py3-none-manylinux1_x86_64.manylinux2014_x86_64.whl", "3.9")
    assert two.count("--platform") == 2


def test_a_wheel_is_had_from_the_folder_and_one_that_pip_cannot_have_is_told(tmp_path, monkeypatch):
    data = b"a wheel"
    row = wheels.WheelRow(sha256=hashlib.sha256(data).hexdigest(), trials=("cython",), why="")
    lost = row.model_copy(update={"sha256": "0" * 64})
    monkeypatch.setattr(wheels, "_rows", lambda: {"a-1-py3-none-any.whl": row, "b-1-py3-none-any.whl": lost})
    pip = tmp_path / "pip"
    pip.write_text("#!/bin/sh\necho no such wheel >&2\nexit 1\n")
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(pip))
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "a-1-py3-none-any.whl").write_bytes(data)
    lines: list[str] = []
    found = wheels.had(build_info(), (3, 13, 5), Settings(sources=tmp_path / "sources", cache=tmp_path / "cache"), lines.append)
    assert [(name, path.read_bytes()) for name, path in found.items()] == [("wheels/a-1-py3-none-any.whl", data)]
    assert "b-1-py3-none-any.whl: pip cannot download it: no such wheel" in lines
