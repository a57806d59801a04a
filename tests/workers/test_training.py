"""What a profile is counted of: the tests in a process of their own, then documents, which are alike in every run."""

import shutil
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
    for name in ("train.py", "documents.py", "objects.py"):
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


def test_of_work_that_fails_it_is_said_that_it_is_left_out(scripts):
    (scripts / "documents.py").write_text("def rows():\n    import no_such_module\n\n\nWORK = {rows: 9}\n")
    (scripts / "objects.py").write_text("def work():\n    print('did it')\n\n\nWORK = {work: 1}\n")
    done = train(scripts, "")
    assert done.returncode == 0
    assert done.stdout == "left out: rows: ModuleNotFoundError: No module named 'no_such_module'\ndid it\n"


def test_documents_are_alike_in_every_run():
    program = "import documents, hashlib; print(hashlib.sha256(repr((documents.RECORDS, documents.TEXT)).encode()).hexdigest())"
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


def test_text_has_the_length_that_it_has_in_programs(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import documents  # noqa: PLC0415

    lengths = sorted(len(value) for one in documents.RECORDS for value in one.values() if isinstance(value, str))
    assert lengths[len(lengths) // 2] > 10
    assert any(not text.isascii() for text in documents.TEXT.splitlines())
    assert sum(text.isascii() for text in documents.TEXT.splitlines()) > len(documents.TEXT.splitlines()) / 4
