"""What a profile is counted of: the tests in a process of their own, then documents, which are alike in every run."""

import importlib
import shutil
import statistics
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

SCRIPTS = Path(str(files("workers.build").joinpath("scripts")))
IDLE = "WORK = {}\n"


@pytest.fixture
def scripts(tmp_path):
    """The training, with nothing to do but the tests."""
    for name in ("train.py", "documents.py", "objects.py", "texts.py"):
        shutil.copy(SCRIPTS / name, tmp_path)
    (tmp_path / "documents.py").write_text(IDLE)
    (tmp_path / "objects.py").write_text(IDLE)
    return tmp_path


def train(folder, program):
    command = [sys.executable, "-B", str(folder / "train.py"), "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_all_of_the_work_can_be_done():
    done = train(SCRIPTS, "print('tests')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "tests\n", "")


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("", 0),
        ("raise SystemExit(2)", 0),  # a test failed: what it did was counted
        ("raise SystemExit(3)", 3),
        ("1 / 0", 1),
        ("import os; os.kill(os.getpid(), 9)", 1),
    ],
)
def test_only_a_test_that_failed_does_not_end_a_training(scripts, program, code):
    (scripts / "objects.py").write_text("def work():\n    print('did it')\n\n\nWORK = {work: 2}\n")
    done = train(scripts, program)
    assert (done.returncode, done.stdout) == (code, "" if code else "did it\ndid it\n")


def test_of_work_whose_module_is_missing_it_is_said_that_it_is_left_out(scripts):
    (scripts / "documents.py").write_text("def rows():\n    import no_such_module\n\n\nWORK = {rows: 9}\n")
    (scripts / "objects.py").write_text("def work():\n    print('did it')\n\n\nWORK = {work: 1}\n")
    done = train(scripts, "")
    assert done.returncode == 0
    assert done.stdout == "left out: rows: No module named 'no_such_module'\ndid it\n"


def test_work_that_fails_ends_the_training(scripts):
    (scripts / "documents.py").write_text("def rows():\n    raise ValueError('rows')\n\n\nWORK = {rows: 9}\n")
    done = train(scripts, "")
    assert done.returncode == 1
    assert "ValueError: rows" in done.stderr


def test_texts_are_alike_in_every_run():
    program = (
        "import texts, hashlib; print(hashlib.sha256(repr((texts.RECORDS, texts.TEXT, texts.FOREIGN)).encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-B", "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": str(SCRIPTS), "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_texts_are_what_programs_meet(monkeypatch):
    """Most in ASCII, whole: one letter of another alphabet makes all of a string wider. And with what has to be quoted."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    texts = importlib.import_module("texts")
    monkeypatch.delitem(sys.modules, "texts")
    said = [one["text"] for one in texts.RECORDS]
    assert statistics.median(map(len, said)) > 100
    assert 0.7 < sum(map(str.isascii, said)) / len(said) < 0.9
    assert {max(map(ord, one)) > 0xFF for one in said if not one.isascii()} == {True, False}
    assert texts.TEXT.isascii()
    for mark in ('"', "\\", "\n", "\t", "<", "&", ","):
        assert sum(mark in one for one in said) / len(said) > 0.02, mark
