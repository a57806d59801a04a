"""What the test suite of CPython says, old and new, and which of it is a finding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes import ScriptedBox
from tests.verify.boxes import GOOD, box, look, subject
from workers.verify import suite

NEW = """\
0:00:00 load avg: 7.53 Run 480 tests in parallel using 2 worker processes
0:00:02 load avg: 7.65 [  1/480] test.test_asyncio.test_context passed
0:01:15 load avg: 6.45 [ 26/480/1] test.test_asyncio.test_subprocess failed (4 failures)
FAIL: test_env (test.test_asyncio.test_subprocess.FastTests.test_env)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "test_subprocess.py", line 1, in test_env
AssertionError: 1 != 2

======================================================================
ERROR: test_env (test.test_asyncio.test_subprocess.FastTests.test_env) (i=2)
FAIL
0:08:35 load avg: 17.74 [ 44/480/1] test.test_gdb.test_misc skipped -- running (1): test_x (6 min)
test.test_gdb.test_misc skipped -- test_gdb only works on source builds at the moment.
0:09:13 load avg: 15.36 [ 50/480/2] test_crash worker non-exit code
""".splitlines()
OLD = """\
[  1/401] test_grammar
[  2/401/1] test_ssl
FAIL: test_old (test.test_ssl.Tests)
test test_ssl failed -- Traceback (most recent call last):
test_gdb skipped -- no gdb
UNEXPECTED SUCCESS: test_two (test.test_ssl.Tests)
""".splitlines()
ROW = suite.ExpectedRow(why="it asks the network", link="https://example.org/1")


def test_new_output():
    told = suite.read(NEW)
    assert told.failed == {"test_asyncio.test_subprocess.FastTests.test_env", "test_crash.*"}
    assert told.skipped == {"test_gdb.test_misc"}
    assert told.ran == {"test_asyncio.test_context", "test_asyncio.test_subprocess", "test_crash"}


def test_old_output():
    told = suite.read(OLD)
    assert told.failed == {"test_ssl.Tests.test_old", "test_ssl.Tests.test_two"}
    assert (told.ran, told.skipped) == ({"test_grammar", "test_ssl"}, {"test_gdb"})


def test_a_row_takes_a_failure_and_its_passing_is_told():
    told = suite.read(OLD)
    assert suite.new_failures(told, ["test_ssl.Tests.test_o*"]) == ["test_ssl.Tests.test_two"]
    rows = {"test_ssl.Tests.*": ROW, "test_grammar.Tests.*": ROW, "test_gdb.Tests.*": ROW, "test_absent.*": ROW}
    assert suite.unexpected_passes(told, rows) == ["test_grammar.Tests.*"]
    assert suite.unexpected_passes(told, {"test_grammar.*": replace_row(sometimes=True)}) == []


def replace_row(**changes):
    return ROW.model_copy(update=changes)


def test_rows_hold_for_their_versions():
    name = "test_posix.PosixTester.test_getgrouplist"
    assert name in suite.expected((3, 13, 5), "debian13", "default")
    assert name not in suite.expected((2, 7, 18), "debian11", "default")
    assert "test_cppext.TestCPPExt.test_build_cpp*" not in suite.expected((3, 13, 5), "debian13", "default")


def findings(folder, said, rows=None, monkeypatch=None):
    if rows is not None:
        monkeypatch.setattr(suite, "_rows", lambda: rows)
    tests = folder / "tests.tar.gz"
    tested = subject(folder, box(**{"test.regrtest": said}))
    tests.write_bytes(GOOD.packed())
    return look("stdlib.suite", replace(tested, others={"tests": tests}))


def test_a_failure_without_a_row_is_an_error(tmp_path):
    messages = [(finding.severity, finding.message) for finding in findings(tmp_path, (2, "\n".join(NEW)))]
    assert ("error", "test_crash.* of the test suite fails") in messages
    name = "test_asyncio.test_subprocess.FastTests.test_env"
    assert ("error", f"{name} of the test suite fails: AssertionError: 1 != 2") in messages
    assert messages[-1] == ("note", "3 modules of the test suite ran, 1 were skipped: test_gdb.test_misc")


def test_an_unexpected_pass_is_an_error(tmp_path, monkeypatch):
    said = (0, "[  1/401] test_grammar passed")
    found = findings(tmp_path, said, {"test_grammar.Tests.test_x": ROW}, monkeypatch)
    assert found[0].message == "test_grammar.Tests.test_x of the test suite passes, and a row expects it to fail"


@pytest.mark.parametrize("said", [(139, "Segmentation fault"), (1, "No module named test.regrtest"), (124, "stuck")])
def test_a_suite_that_does_not_run_is_an_error(said, tmp_path):
    (finding,) = findings(tmp_path, said)
    assert finding.severity == "error"
    assert isinstance(subject(tmp_path, box()).in_runtime, ScriptedBox)


AGAIN = """\
[ 1/3] test_a failed (1 failure)
FAIL: test_x (test.test_a.A.test_x)
FAIL: test_y (test.test_a.A.test_y)
[ 2/3] test_b failed (1 failure)
FAIL: test_z (test.test_b.B.test_z)
[ 3/3] test_c worker non-exit code
Re-running 3 failed tests in verbose mode in subprocesses
[1/3] test_a failed (1 failure)
FAIL: test_y (test.test_a.A.test_y)
OSError: no such device
[2/3] test_b passed
[3/3] test_c passed
""".splitlines()


def test_what_passes_when_it_is_run_alone_does_not_count():
    told = suite.read(AGAIN)
    assert told.failed == {"test_a.A.test_y"}
    assert told.raised == {"test_a.A.test_y": "OSError: no such device"}
    assert told.ran == {"test_a", "test_b", "test_c"}
    assert told.flaky == {"test_a.A.test_x", "test_b.B.test_z", "test_c.*"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("[1/1] test_a.test_b crashed", "FAIL: test_x (test.test_a.test_b.A.test_x)"),
        ("FAIL: test_x (test.test_a.test_b.A.test_x)", "[1/1] test_a.test_b crashed"),
    ],
    ids=["the module, then a test", "a test, then the module"],
)
def test_a_module_that_fails_again_is_not_flaky(first, second):
    told = suite.read([first, "Re-running 1 failed tests in verbose mode", second])
    assert (len(told.failed), told.flaky) == (1, frozenset())


def test_what_passes_when_it_is_run_alone_is_noted(tmp_path):
    notes = [found.message for found in findings(tmp_path, (2, "\n".join(AGAIN))) if found.severity == "note"]
    assert notes[0] == ("3 tests failed, and passed when they were run again alone: test_a.A.test_x, test_b.B.test_z, test_c.*")


def test_every_skipped_module_is_shown(tmp_path):
    lines = [f"[ {number}/40] test_m{number} skipped" for number in range(1, 40)]
    note = findings(tmp_path, (0, "\n".join([*lines, "[40/40] test_a passed"])))[-1].message
    assert "39 were skipped" in note
    assert all(f"test_m{number}" in note for number in range(1, 40))


def test_rows_of_a_module_as_a_whole_are_not_written():
    """Where its tests can be told apart: else nobody sees what else of it breaks."""
    assert [name for name in suite._rows() if name.count(".") == 1 and name.endswith(".*")] == []


def test_of_a_suite_that_was_cut_off_everything_counts():
    cut = AGAIN[: AGAIN.index("[2/3] test_b passed")]
    assert suite.read(cut, whole=False).flaky == frozenset()
    assert suite.read(cut, whole=False).failed == {"test_a.A.test_x", "test_a.A.test_y", "test_b.B.test_z", "test_c.*"}


@pytest.mark.parametrize(
    ("said", "code"), [((137, "[ 1/9] test_a passed"), 137), ((2, "[ 1/9] test_a passed"), 2), ((139, "[ 1/9] test_a"), 139)]
)
def test_a_suite_that_ends_badly_without_a_reason_is_an_error(said, code, tmp_path):
    assert any(f"ended with code {code}, and no test says why" in finding.message for finding in findings(tmp_path, said))


def test_a_module_whose_tests_have_other_names_is_not_silent():
    said = ["[ 1/1] test_ctypes failed (1 failure)", "FAIL: test_x (ctypes.test.test_find.FindLibraryLinux)"]
    assert suite.read(said).failed == {"ctypes.test.test_find.FindLibraryLinux.test_x"}
    rows = {"ctypes.test.test_other.*": ROW}
    assert suite.unexpected_passes(suite.read(said), rows) == ["ctypes.test.test_other.*"]
