"""The whole of a verification: boxes are furnished, every check is accounted for, nothing is skipped silently."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from farm.errors import BadInput, Cancelled, Transient
from farm.plan.facts import load_facts
from tests.fakes import ScriptedBox, ScriptedEngine
from tests.verify.crafted import DYNLOAD, SUFFIX, Crafted, Entry, build_info
from tests.verify.elves import Shape, elf
from workers.engine.protocol import Limits
from workers.verify.expected import checks_with_rows, elsewhere, inapplicable, is_libc
from workers.verify.run import Ground, of_depth, verify_archive, verify_without_boxes
from workers.verify.table import TABLE

FAMILY = load_facts().distros["debian13"].family


def ground(engine, **changes) -> Ground:
    return Ground(engine, "runtime:1", "builder:1", **{"limits": Limits(), "family": FAMILY, **changes})


def archive(folder, crafted: Crafted | None = None):
    path = folder / "crafted.tar.gz"
    path.write_bytes((crafted or Crafted()).packed())
    return path


def test_without_boxes_every_other_check_is_skipped_with_the_reason(tmp_path):
    lines: list[str] = []
    outcome = verify_without_boxes(archive(tmp_path), build_info(), "no engine answers", lines.append)
    assert [check.check for check in outcome.checks] == [check.id for check in of_depth("standard")]
    assert {check.check for check in outcome.skipped} == {
        row.id for row in of_depth("standard") if row.where != "archive" and not row.needs
    }
    assert {check.skipped for check in outcome.skipped} == {"no engine answers"}
    assert outcome.findings == ()
    assert "verify run.version: skipped: no engine answers" in lines
    assert len(lines) == len(outcome.checks)


def test_boxes_are_furnished_and_given_back(tmp_path):
    boxes = {"runtime:1": ScriptedBox(), "builder:1": ScriptedBox()}
    engine = ScriptedEngine(boxes)
    limits = Limits(deadline_s=60)
    outcome = verify_archive(archive(tmp_path), build_info(), ground(engine, limits=limits))
    assert engine.open == 0
    seen = [(spec.image, spec.limits, spec.sees) for spec in engine.specs]
    assert seen == [("runtime:1", limits, None), ("builder:1", limits, None), ("runtime:1", limits, boxes["runtime:1"])]
    assert "python/bin/python3.13" in boxes["runtime:1"].files["/work/a place/py thön"]
    assert "python/bin/python3.13" in boxes["builder:1"].files["/work/elsewhere/opt"]
    assert {"a place", "a place/py thön", "scratch", "probes/imports.py"} <= set(boxes["runtime:1"].files["/work"])
    assert outcome.skipped == ()
    assert {finding.check for finding in outcome.findings} >= {
        check.id
        for check in of_depth("standard")
        if check.where == "runtime" and not check.needs and not check.upgrade and check.id != "moved.scripts"
    }
    assert set(outcome.seconds) == {check.id for check in of_depth("standard") if not check.needs and not check.upgrade}


def test_every_box_has_the_attempts_labels_and_can_be_cancelled(tmp_path):
    engine = ScriptedEngine({"runtime:1": ScriptedBox(), "builder:1": ScriptedBox()})
    verify_archive(archive(tmp_path), build_info(), ground(engine, labels={"farm.run": "1"}, cancelled=lambda: True))
    assert [(spec.labels, spec.cancelled()) for spec in engine.specs] == [({"farm.run": "1"}, True)] * 3


def test_what_is_emulated_is_given_more_time(tmp_path, monkeypatch):
    monkeypatch.setattr("workers.verify.subject.host_arch", lambda: "arm64")
    engine = ScriptedEngine({"runtime:1": ScriptedBox(), "builder:1": ScriptedBox()})
    verify_archive(archive(tmp_path), build_info(), ground(engine))
    assert {spec.limits.patience for spec in engine.specs} == {4.0}


@pytest.mark.engine
def test_cancelling_ends_a_verification_at_once(tmp_path, engine, box_image):
    """The interpreter never answers; without the cancel, the first check alone would wait for minutes."""
    crafted = Crafted().having("bin/python3.13", Entry(b"#!/bin/sh\nexec sleep 600\n", mode=0o755))
    ends = time.monotonic() + 3
    where = replace(ground(engine), runtime=box_image, builder=box_image, cancelled=lambda: time.monotonic() > ends)
    with pytest.raises(Cancelled):
        verify_archive(archive(tmp_path, crafted), build_info(), where)
    assert 0 <= time.monotonic() - ends < 60


def test_a_lost_engine_is_transient_and_boxes_are_given_back(tmp_path):
    engine = ScriptedEngine({"runtime:1": ScriptedBox({"": Transient("lost")}), "builder:1": ScriptedBox()})
    with pytest.raises(Transient, match="lost"):
        verify_archive(archive(tmp_path), build_info(), ground(engine))
    assert engine.open == 0


def test_an_archive_that_cannot_be_read_is_a_finding(tmp_path):
    path = tmp_path / "cut.tar.gz"
    path.write_bytes(Crafted().packed()[:700])
    outcome = verify_archive(path, build_info(), ground(ScriptedEngine({})))
    assert [finding.check for finding in outcome.errors] == ["archive.layout"]
    assert {check.skipped for check in outcome.checks[1:]} == {"the archive cannot be unpacked"}
    assert [check.check for check in outcome.checks] == [check.id for check in of_depth("standard")]


def test_errors_and_warnings_are_told_apart(tmp_path):
    crafted = Crafted().having(f"{DYNLOAD}/math.{SUFFIX}", Entry(elf(Shape(debuglink=None, runpath="/opt")), mode=0o755))
    lines: list[str] = []
    outcome = verify_without_boxes(archive(tmp_path, crafted), build_info(), "-", lines.append)
    assert [(finding.check, finding.severity) for finding in outcome.findings] == [
        ("linkage.runpath", "error"),
        ("debug.links", "warning"),
    ]
    assert [finding.check for finding in outcome.errors] == ["linkage.runpath"]
    assert any(line.startswith("verify linkage.runpath: 1 errors, 0 other") for line in lines)


def test_ids_are_unique_and_every_row_says_what_it_proves():
    assert len({check.id for check in TABLE}) == len(TABLE)
    assert all(check.proves for check in TABLE)
    places = [check.where for check in TABLE]
    assert places == sorted(places, key=["archive", "runtime", "builder"].index)


def test_a_check_that_makes_no_sense_is_skipped_with_its_reason(tmp_path):
    boxes = {"runtime:1": ScriptedBox(), "builder:1": ScriptedBox()}
    outcome = verify_archive(archive(tmp_path), build_info(series="2.7"), ground(ScriptedEngine(boxes)))
    skipped = {check.check: check.without for check in outcome.checks if check.check.startswith("moved.") and check.without}
    assert skipped == {"moved.uv": "uv installs no Python older than 3.8", "moved.venv": "venv came with 3.3 (PEP 405)"}
    assert outcome.skipped == ()  # nothing that should have run


def test_rows_of_checks_name_checks():
    assert checks_with_rows() <= {check.id for check in TABLE}
    assert inapplicable("moved.venv", "3.2", "debian13")
    assert not inapplicable("moved.venv", "3.3", "debian13")
    assert inapplicable("embed.mod_wsgi", "3.9", "debian11")
    assert not inapplicable("embed.mod_wsgi", "3.9", "debian12")
    assert not inapplicable("moved.pip", "2.7", "debian11")


def test_rows_of_what_is_expected():
    assert is_libc("libc.so.6")
    assert is_libc("ld-linux-x86-64.so.2")
    assert is_libc("libc.musl-x86_64.so.1")
    assert not is_libc("libcrypt.so.1")
    assert elsewhere()["winreg"] == "No module named 'winreg'"
    assert "ObjC" in elsewhere()["_ios_support"]
    assert "tkinter" not in elsewhere()


def test_an_operators_own_facts_say_which_checks_make_no_sense_for_a_series_of_theirs(tmp_path):
    row = 'checks = ["moved.pip"]\nsince = "3.5"\nuntil = "3.5"\nwhy = "no pip"\n'
    (tmp_path / "expected.toml").write_text(f"[[inapplicable]]\n{row}")
    assert inapplicable("moved.pip", "3.5", "debian13", tmp_path) == "no pip"
    assert not inapplicable("moved.pip", "3.6", "debian13", tmp_path)
    assert not inapplicable("moved.pip", "3.5", "debian13")


def test_a_mistake_in_them_names_the_file(tmp_path):
    (tmp_path / "expected.toml").write_text("[[libc]]\nsonames = []\nwhy = 'x'\n")
    with pytest.raises(BadInput, match=r"expected\.toml"):
        inapplicable("moved.pip", "3.5", "debian13", tmp_path)
