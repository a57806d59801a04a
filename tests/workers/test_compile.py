"""The steps of a build, as commands in a box: a library of our own comes before Python and knows nothing of its environment."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from farm.errors import BuildFailed, Transient
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from tests.fakes import ScriptedBox
from workers.build import compile as compile_
from workers.build.compile import Passes
from workers.build.cross import CrossPasses


def run(cell: str, tmp_path, optimize="none", kind=Passes):
    recipe = compose(Cell.parse(cell), Options(optimize, channel="dev"), load_facts(), "code")
    sources = []
    for source in (recipe.source, *(library.source for library in recipe.libraries)):
        path = tmp_path / source.file
        path.write_bytes(b"")
        sources.append(path)
    box = ScriptedBox({"finish.sh": (1, "far enough")})
    steps: list[str] = []
    passes = kind(box, recipe, 3, steps.append, lambda line: None)
    with pytest.raises(BuildFailed, match="far enough"):
        passes.run(sources, {}, tmp_path / "spool")
    return box, steps


def test_a_command_that_found_no_room_failed_in_passing_whoever_made_room_since(tmp_path):
    """`df` in the box says nothing of it: another cell has ended meanwhile."""
    recipe = compose(Cell.parse("3.13.5-debian13-amd64"), Options("none", channel="dev"), load_facts(), "code")
    source = tmp_path / recipe.source.file
    source.write_bytes(b"")
    box = ScriptedBox(
        {"unpack.sh": (2, "tar: x.h: Cannot write: No space left on device\ntar: Exiting"), "df": "4 5 6 1000000"}
    )
    with pytest.raises(Transient, match="the engine's disk is full: sh found no room"):
        Passes(box, recipe, 3, [].append, lambda line: None).run([source], {}, tmp_path / "spool")


def test_a_library_of_our_own_comes_first(tmp_path):
    box, steps = run("2.7.18-debian12-amd64", tmp_path)
    assert steps[:3] == ["unpack", "make openssl", "configure"]
    assert {"Python-2.7.18.tgz", "openssl-1.1.1w.tar.gz"} <= set(box.files["/work"])
    assert box.files["/work/private/openssl"] == ["Configurations/90-farm.conf"]
    commands = list(zip(box.commands, box.environments, strict=True))
    built = [(command, env) for command, env in commands if command.startswith(("./Configure", "make -j3 build_libs"))]
    assert len(built) == 2
    assert all("LDFLAGS" not in env and env["SOURCE_DATE_EPOCH"] == "1694441291" for _, env in built)
    (configured,) = [
        env for command, env in commands if command.startswith("../src/configure") and "--enable-shared" in command
    ]
    assert configured["LDFLAGS"] == "-L/work/private/install/lib"
    assert configured["SOURCE_DATE_EPOCH"] == "1587332735"


def test_every_script_is_in_the_box_and_so_is_what_it_imports(tmp_path):
    box, _ = run("3.13.5-debian13-amd64", tmp_path, "pgo+lto")
    there = {name.removeprefix("scripts/") for name in box.files["/work"] if name.startswith("scripts/")}
    folder = Path(compile_.__file__).with_name("scripts")
    called = {name for command in box.commands for name in re.findall(r"/work/scripts/([\w.]+)", command)}
    assert {"unpack.sh", "finish.sh", "train.py"} <= called <= there
    beside = {path.stem for path in folder.glob("*.py")}
    for name in there & {f"{stem}.py" for stem in beside}:
        words = (folder / name).read_text(encoding="utf-8")
        imported = set(re.findall(r"^ *(?:from|import) (\w+)", words, re.MULTILINE)) & beside
        assert {f"{one}.py" for one in imported} <= there, name


def test_a_training_that_fails_ends_the_build_whatever_the_makefile_says(tmp_path):
    """`$(PROFILE_TASK) || true` is what it says up to 3.12."""
    for cell in ("3.9.2-debian11-amd64", "3.13.5-debian13-amd64"):
        box, _ = run(cell, tmp_path, "pgo")
        (built,) = {word for command in box.commands for word in re.findall(r"PROFILE_TASK=(.* \|\| exit 1)", command)}
        failing = f"training() {{ return 1; }}; training {built} || true; echo went on"
        done = subprocess.run(["sh", "-c", failing], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")


def test_others_build_no_library(tmp_path):
    box, steps = run("3.13.5-debian13-amd64", tmp_path)
    assert steps[:2] == ["unpack", "configure"]
    assert not any("library.sh" in command for command in box.commands)
    assert not any("LDFLAGS" in env for env in box.environments)


@pytest.mark.parametrize("cell", ["2.7.18-debian11-amd64", "3.9.2-debian11-amd64", "3.13.5-debian13-amd64"])
def test_pass_two_only_links_the_objects_of_pass_one(tmp_path, cell):
    box, steps = run(cell, tmp_path)
    assert steps[-5:-1] == ["configure", "make shared", "install", "link static"]
    configured = [command for command in box.commands if command.startswith("../src/configure")]
    (built, installed, linked) = [command for command in box.commands if command.startswith("make ") and "_libs" not in command]
    assert len(configured) == 1
    assert "--enable-shared" in configured[0]
    assert built.startswith("make -j3 ")
    assert installed.startswith("make install ")
    assert linked.startswith("make altbininstall BUILDPYTHON=python-static ")
    assert "=$(LIBRARY_OBJS)" in linked
    assert "LIBRARY_OBJS" not in built + installed


def test_the_training_run_uses_all_jobs(tmp_path):
    box, _ = run("3.13.5-debian13-amd64", tmp_path, "pgo+lto")
    assert [
        command
        for command in box.commands
        if "PROFILE_TASK=/work/scripts/train.py -m test --pgo --timeout=1200 -j3 || exit 1" in command
    ]
    assert not [command for command in box.commands if "{jobs}" in command]


def test_a_cross_build_first_makes_a_python_for_its_own_machine(tmp_path):
    box, steps = run("3.14.7-debian13-arm64", tmp_path, kind=CrossPasses)
    assert steps[:3] == ["unpack", "make python for this machine", "configure"]
    configured = [
        (command, env) for command, env in zip(box.commands, box.environments, strict=True) if "src/configure" in command
    ]
    (native, own), (command, env) = configured
    assert "--host" not in native
    assert "--prefix=/install" in native, "or its ensurepip installs somewhere else"
    assert not own["PATH"].startswith("/work/")
    assert own["PKG_CONFIG_LIBDIR"] == "/work/native", "libraries of the other arch are not for it"
    assert "--host=aarch64-unknown-linux-gnu" in command
    assert "--with-build-python=/work/native/python" in command
    assert env["PATH"].startswith("/work/cross/bin:")
    assert env["PKG_CONFIG_LIBDIR"].startswith("/usr/lib/aarch64-linux-gnu/")


def test_scripts_of_a_cross_build_name_its_own_python(tmp_path):
    box, _ = run("3.14.7-debian13-arm64", tmp_path, kind=CrossPasses)
    (renamed,) = [command for command in box.commands if "sed" in command]
    assert "#!/work/native/python|#!/install/bin/python3.14|" in renamed


def test_cross_tools_go_by_the_names_of_native_ones(tmp_path):
    """So that the shipped sysconfig names the compiler that users have."""
    box, _ = run("3.14.7-debian13-arm64", tmp_path, kind=CrossPasses)
    assert "ln -s /usr/bin/aarch64-linux-gnu-gcc /work/cross/bin/gcc" in box.commands


def test_an_emulator_that_crashes_in_a_step_says_nothing_against_the_cell(tmp_path):
    recipe = compose(Cell.parse("3.14.7-debian13-arm64"), Options("none", channel="dev"), load_facts(), "code")
    (tmp_path / recipe.source.file).touch()
    crash = "qemu: uncaught target signal 11 (Segmentation fault) - core dumped\nmake: *** [Makefile:7: x.o] Error 1"
    passes = CrossPasses(ScriptedBox({"--host": (2, crash)}), recipe, 3, lambda step: None, lambda line: None)
    with pytest.raises(Transient, match=r"the emulator crashed in '\.\./src/configure"):
        passes.run([tmp_path / recipe.source.file], {}, tmp_path / "spool")


def test_what_has_no_rows_for_it_is_not_cross_compiled(tmp_path):
    recipe = compose(Cell.parse("3.9.2-debian13-arm64"), Options("none", channel="dev"), load_facts(), "code")
    passes = CrossPasses(ScriptedBox(), recipe, 3, lambda step: None, lambda line: None)
    (tmp_path / recipe.source.file).touch()
    with pytest.raises(BuildFailed, match=r"3\.9\.2-debian13-arm64 has no rows"):
        passes.run([tmp_path / recipe.source.file], {}, tmp_path / "spool")
