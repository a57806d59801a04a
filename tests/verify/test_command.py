"""`farm verify`, from the words of the operator to the child process and back to an exit code."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from farm.errors import EXIT_ENVIRONMENT
from farm.plan.cell import Cell
from farm.show import report, report_html
from farm.store import keys
from farm.store.artifact import ArchiveInfo, Artifact
from farm.store.folder import FolderStore
from farm.wire.verification import Verification
from tests.verify.crafted import DYNLOAD, SUFFIX, Crafted, Entry, build_info
from tests.verify.elves import Shape, elf
from workers.verify import command
from workers.verify.run import of_depth, verify_without_boxes

CLONE = str(Path(__file__).parents[2])
BROKEN = Crafted().having(f"{DYNLOAD}/math.{SUFFIX}", Entry(elf(Shape(runpath="/opt/lib")), mode=0o755))


def farm(folder, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", "from farm.cli.main import main; main()", "verify", "--no-engine", *words]
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "FARM_STORE": str(folder / "store"),
        "PYTHONPATH": CLONE,
        **environment,
    }
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=folder, env=env, timeout=120)


@pytest.fixture
def published(tmp_path) -> Artifact:
    """A build in a folder store."""
    data, store, cell = Crafted().packed(), FolderStore(tmp_path / "store"), Cell.parse("3.13.5-debian13-amd64")
    info = ArchiveInfo(
        kind="install_only",
        format="tar.gz",
        name="a.tar.gz",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        tar_sha256="0" * 64,
    )
    artifact = Artifact(
        build_id="2026112201",
        channel="dev",
        created="2026-11-22T00:00:00Z",
        worker="w",
        engine="e",
        run="r",
        attempt=1,
        build=build_info(),
        archives=(info,),
        findings=(),
        steps=(),
    )
    store.put(f"{keys.artifact_folder(cell, artifact.build_id)}/a.tar.gz", data)
    store.put(keys.published(cell, artifact.build_id, "0" * 64, "1" * 64, "dev").key, artifact.model_dump_json().encode())
    return artifact


def test_a_good_file(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(Crafted().packed())
    done = farm(tmp_path, "a.tar.gz")
    assert done.returncode == 0, done.stderr
    rows = [check for check in of_depth("standard") if not check.needs and not check.upgrade]
    ran = sum(check.where == "archive" for check in rows)
    assert f"nothing wrong in {ran} check(s)" in done.stdout
    assert f"{len(rows) - ran} check(s) were skipped: no engine was wanted" in done.stdout
    assert "verify archive.layout: ok" in done.stderr


def test_a_broken_file(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(BROKEN.packed())
    done = farm(tmp_path, "a.tar.gz", "--json")
    assert done.returncode == 3
    assert [finding["check"] for finding in json.loads(done.stdout)["findings"]] == ["linkage.runpath"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"nothing", "cannot be unpacked"),
        (Crafted().having("share/python-farm/build.json", Entry(b"{}")).packed(), "is wrong at"),
    ],
)
def test_no_archive_of_this_farm(data, says, tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(data)
    done = farm(tmp_path, "a.tar.gz")
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr


def test_a_full_disk_of_the_verifiers_host_is_said_as_such(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(command, "verify_file", full)
    assert command.verify(["--no-engine", str(tmp_path / "x.tar.gz")]) == EXIT_ENVIRONMENT
    told = json.loads(capsys.readouterr().out)["error"]
    assert (told["kind"], "disk is full" in told["message"]) == ("transient", True)


def test_only_some_checks(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(BROKEN.packed())
    done = farm(tmp_path, "a.tar.gz", "--only", "linkage.run*", "--only", "archive.layout", "--json")
    assert [check["check"] for check in json.loads(done.stdout)["checks"]] == ["archive.layout", "linkage.runpath"]
    done = farm(tmp_path, "a.tar.gz", "--only", "linkage.nonsense")
    assert done.returncode == 2
    assert "no check has the id linkage.nonsense" in done.stderr


def test_a_published_cell(tmp_path, published):
    done = farm(tmp_path, "3.13.5-debian13-amd64")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a.tar.gz (3.13.5-debian13-amd64, optimize none)")


def test_a_published_cell_whose_bytes_changed(tmp_path, published):
    (path,) = (tmp_path / "store").rglob("a.tar.gz")
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    done = farm(tmp_path, "3.13.5-debian13-amd64")
    assert done.returncode == 3
    assert f"with sha256 {published.archives[0].sha256} that are listed" in done.stderr


@pytest.mark.parametrize(("word", "says"), [("3.13.4-debian13-amd64", "is not published"), ("nonsense", "is not a cell")])
def test_no_such_cell(word, says, tmp_path):
    done = farm(tmp_path, word)
    assert done.returncode == 2
    assert says in done.stderr


def test_an_html_report_has_every_check_and_finding_and_nothing_of_the_archives_own_markup(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(BROKEN.packed())
    done = farm(tmp_path, "a.tar.gz", "--html", "report.html", "--json")
    assert done.returncode == 3
    told, page = Verification.model_validate_json(done.stdout), (tmp_path / "report.html").read_text()
    assert all(f"<code>{check.check}</code>" in page for check in told.checks)
    assert "<span class=error>error</span><p class=error>lib/python3.13/lib-dynload/math" in page
    assert "no engine was wanted" in page
    hostile = told.findings[0].model_copy(update={"message": "<script>alert(1)</script>"})
    page = report_html.page(told.model_copy(update={"findings": (hostile,), "archive": "<b>"}))
    assert "<script" not in page
    assert "<b>" not in page
    assert farm(tmp_path, "a.tar.gz", "--html", "nowhere/x.html").returncode == 2


def test_report_tells_every_check_and_finding(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(BROKEN.packed())
    outcome = verify_without_boxes(tmp_path / "a.tar.gz", build_info(), "no engine")
    text = "\n".join(report.lines(outcome))
    assert all(check.check in text for check in outcome.checks)
    assert "error    linkage.runpath" in text
    assert "error: lib/python3.13/lib-dynload/math" in text
    assert "hint: only $ORIGIN" in text
    ran = len(outcome.seconds)
    assert report.verdict(outcome).startswith(f"1 error(s) and 0 other finding(s) in {ran} check(s)")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("debian13", "--tree"), "it has to run"),
        (("a.tar.gz", "--like", "3.13.5-debian13-amd64"), "it has to run"),
        (("nowhere.tar.gz", "--like", "3.13.5-debian13-amd64"), "it has to run"),
        (("a.tar.gz", "--tree", "--like", "3.13.5-debian13-amd64"), "cannot be given together"),
    ],
)
def test_a_python_of_others_has_to_run(tmp_path, words, says):
    done = farm(tmp_path, *words)
    assert done.returncode == 2
    assert says in done.stderr
