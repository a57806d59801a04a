"""Comparing a build with the one that was published: what differs is found, and what explains it is said."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest
from click.testing import CliRunner

from farm.cli.reproduce import _folder as keep_folder
from farm.cli.reproduce import reproduce as command
from farm.errors import BadInput
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.recipe import BaseImage, Inputs
from farm.settings import Settings
from farm.show import reproduced as show
from farm.store.artifact import ArchiveInfo, PackageVersion
from farm.wire.reproduction import FileDifference, Reproduction, options_of
from tests.fakes import ScriptedEngine
from tests.show.test_built import artifact
from workers import reproduce
from workers.build.image import ImageMaker

FACTS = load_facts()
CELL = "3.13.5-debian13-amd64"
GCC = (PackageVersion(name="gcc", version="14.2"),)


def packed(path, **files) -> ArchiveInfo:
    """An archive with these files: bytes, or the target of a link."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"python/{name}")
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return ArchiveInfo(kind="install_only", format="tar.gz", name=path.name, size=1, sha256=sha256, tar_sha256=sha256)


def compared(folder, old, new):
    (folder / "again").mkdir(parents=True)
    before, after = packed(folder / "a.tar.gz", **old), packed(folder / "again" / "a.tar.gz", **new)
    return reproduce.compared([before], [after], folder, folder / "again")


def test_equal_bytes_are_not_looked_into(tmp_path):
    (tmp_path / "again").mkdir()
    one = packed(tmp_path / "a.tar.gz", x=b"1")
    assert reproduce.compared([one], [one], tmp_path, tmp_path / "nowhere") == (["install_only"], [])


def test_every_difference_is_found(tmp_path):
    code = b"\x7fELF rest"
    old = {"same": b"1", "changed": b"1", "gone": b"1", "link": "a", "turned": b"1", "code": code}
    new = {"same": b"1", "changed": b"2", "come": b"1", "link": "b", "turned": "a", "code": code + b"!"}
    same, files = compared(tmp_path, old, new)
    assert same == []
    assert {one.path: (one.said, one.machine_code) for one in files} == {
        "changed": ("other bytes", False),
        "gone": ("only in the published archive", False),
        "come": ("only in the one that was made now", False),
        "link": ("other target", False),
        "turned": ("other kind, target, bytes", False),
        "code": ("other bytes", True),
    }


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A program called diffoscope on PATH, which does what the test says."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")

    def write(text):
        program = tmp_path / "bin" / "diffoscope"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)

    return write


def test_what_diffoscope_says_is_kept_where_it_is_installed(stand_in, tmp_path):
    words, kept = (tmp_path / "a b.tar.gz", tmp_path / "again.tar.gz"), tmp_path / "install_only.diffoscope.txt"
    stand_in('echo "$1 $3 $4" > "$2"; exit 1')  # 1: they differ
    reproduce.told_apart(*words, kept)
    assert kept.read_text() == f"--text {words[0]} {words[1]}\n"


def test_without_diffoscope_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    reproduce.told_apart(tmp_path / "a", tmp_path / "b", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_diffoscope_that_takes_for_ever_is_ended_and_said(stand_in, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reproduce, "_DIFFOSCOPE_S", 0.2)
    stand_in("exec sleep 60")
    reproduce.told_apart(tmp_path / "a", tmp_path / "b", tmp_path / "kept")
    assert capsys.readouterr().err == "diffoscope took longer than 0.2 s and was ended\n"


def test_an_archive_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"x\.tar\.gz cannot be read"):
        reproduce.contents(tmp_path / "x.tar.gz")


def done(built, *files, recipe="", inputs=None) -> tuple:
    """The report of a reproduction whose recipe and inputs are the published ones, unless said otherwise."""
    build = built.build
    now = inputs or Inputs(
        BaseImage("b", "bootstrap", build.base_image.layers), tuple((p.name, p.version) for p in build.builder_packages)
    )
    told = Reproduction(
        cell=build.cell, build_id=built.build_id, recipe=recipe or build.recipe, inputs=now, files=files, kept="/k"
    )
    made = compose(reproduce.Cell.parse(build.cell), options_of(built), FACTS, "")
    return told, show.report(built, made, told)


def with_packages(*versions: PackageVersion, **changes):
    one = artifact(CELL)
    inputs = Inputs(BaseImage("b", "bootstrap", one.build.base_image.layers), tuple((p.name, p.version) for p in versions))
    build = one.build.model_copy(update={"builder_packages": versions, "inputs": inputs.digest, **changes})
    return one.model_copy(update={"build": build})


CODE = FileDifference(kind="install_only", path="bin/python3.13", said="other bytes", machine_code=True)
TEXT = FileDifference(kind="install_only", path="lib/x.py", said="other bytes")
METADATA = FileDifference(kind="install_only", path="share/python-farm/build.json", said="other bytes")


def test_nothing_that_differs_is_a_reproduction():
    told, found = done(with_packages(*GCC))
    assert (found.causes, found.files) == ((), ())
    assert show.verdict(found) == "reproduced: every archive has the same bytes"
    assert "reproduced" in list(show.lines(with_packages(*GCC), told, found))[-1]


def test_without_a_cause_a_difference_is_unexplained():
    _, found = done(with_packages(*GCC), TEXT, CODE)
    assert len(found.unexplained) == 2
    assert show.verdict(found).startswith("NOT reproduced: 2 of 2 files")


def test_a_training_run_explains_code_and_nothing_else():
    told, found = done(with_packages(*GCC, optimize="pgo+lto"), TEXT, CODE)
    assert [one.difference.path for one in found.unexplained] == ["lib/x.py"]
    text = "\n".join(show.lines(with_packages(*GCC), told, found))
    assert text.index("lib/x.py: other bytes: UNEXPLAINED") < text.index("bin/python3.13: other bytes: a training run")


def test_packages_are_named_before_files_and_explain_them():
    now = Inputs(BaseImage("b", "bootstrap", with_packages().build.base_image.layers), (("gcc", "14.3"),))
    told, found = done(with_packages(*GCC), CODE, METADATA, inputs=now)
    assert any("gcc 14.2 -> 14.3" in cause for cause in found.causes)
    assert not found.unexplained
    text = "\n".join(show.lines(with_packages(*GCC), told, found))
    assert text.index("gcc 14.2 -> 14.3") < text.index("bin/python3.13")
    assert show.verdict(found) == "not the same bytes: all 2 differences are explained"


def test_the_kept_base_image_is_used_if_the_engine_has_it():
    engine = ScriptedEngine({})
    engine.layers = lambda image: ("sha256:9",) if image.endswith(":20261101") else ("other",)
    engine.tags = lambda repository: ("20261101", "20261102") if repository == "python-farm/base-debian13-amd64" else ()
    maker = ImageMaker(FACTS.distros["debian13"], "amd64", engine, Settings(), print)
    assert maker.kept_base(("sha256:9",)) == "python-farm/base-debian13-amd64:20261101"
    assert maker.kept_base(("sha256:8",)) == ""


@pytest.mark.parametrize(
    ("words", "says", "hint"),
    [
        ([CELL], "3.13.5-debian13-amd64 is not published in", "`farm ls` shows what is"),
        (
            [CELL, "--build", "2026112201"],
            "build 2026112201 of 3.13.5-debian13-amd64 is not published",
            "`farm ls` shows what is",
        ),
        (["3.13-debian13"], "3.13-debian13", ""),
    ],
)
def test_what_is_not_published_is_said(words, says, hint, tmp_path, monkeypatch):
    monkeypatch.setenv("FARM_STORE", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()
    error = CliRunner().invoke(command, words).exception
    assert isinstance(error, BadInput)
    assert says in error.message
    assert hint in error.hint


def test_a_folder_that_has_something_in_it_is_not_written_to(tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(BadInput, match="is not empty"):
        keep_folder(tmp_path)
    assert keep_folder(tmp_path / "new") == tmp_path / "new"


def test_nothing_is_said_to_be_kept_that_is_not():
    told, found = done(with_packages(*GCC), TEXT)
    assert "both are kept in /k" in "\n".join(show.lines(with_packages(*GCC), told, found))
    gone = told.model_copy(update={"kept": ""})
    assert "--keep FOLDER keeps both" in "\n".join(show.lines(with_packages(*GCC), gone, found))
