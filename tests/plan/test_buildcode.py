"""The digest of the build code follows names and bytes, and nothing else."""

from __future__ import annotations

import os
import sys

from farm.plan.buildcode import build_code, digest_of_folder


def test_it_follows_names_and_bytes(tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "a.py").write_text("a")
    (tmp_path / "scripts" / "b.sh").write_text("b")
    before = digest_of_folder(tmp_path)
    (tmp_path / "README.md").write_text("not code")
    os.utime(tmp_path / "a.py", (1, 1))
    assert digest_of_folder(tmp_path) == before
    (tmp_path / "a.py").write_text("b")
    assert digest_of_folder(tmp_path) != before
    (tmp_path / "a.py").write_text("a")
    (tmp_path / "a.py").rename(tmp_path / "c.py")
    assert digest_of_folder(tmp_path) != before


def test_bytes_do_not_move_between_files(tmp_path):
    for name, one, two in (("x", "ab", "c"), ("y", "a", "bc")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.py").write_text(one)
        (tmp_path / name / "2.py").write_text(two)
    assert digest_of_folder(tmp_path / "x") != digest_of_folder(tmp_path / "y")


def test_the_build_wing_is_not_imported():
    before = {name for name in sys.modules if name.startswith("workers")}
    assert len(build_code()) == 64
    assert {name for name in sys.modules if name.startswith("workers")} == before
