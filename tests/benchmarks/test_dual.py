"""The dual build beside the official recipe: what that is told, what is compared, what compilers say of profiles."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import dual as module
from benchmarks.dual import COUNTED, KINDS, Watch, anew, halves, halves_file, measured, summary
from benchmarks.official import INSTALL, MOST, Single, configure, place, words
from benchmarks.page import RESULTS
from benchmarks.sections.dual import dual
from farm.errors import BuildFailed
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.settings import Settings
from tests.fakes import ScriptedBox, ScriptedEngine
from workers.engine.cpu import cpu_seconds, used

CELL = Cell.parse("3.13.15-debian13-amd64")


def source(tmp_path):
    file = tmp_path / "Python-3.13.15.tar.xz"
    with tarfile.open(file, "w:xz") as tar:
        tar.addfile(tarfile.TarInfo("Python-3.13.15/configure"), io.BytesIO())
    return file


def test_the_official_recipe_is_built_as_its_template_says(tmp_path):
    box = ScriptedBox({"dpkg-architecture": "x86_64-linux-gnu\n", "CFLAGS": "-g -O2\n", "LDFLAGS": "-Wl,-z,relro\n"})
    box.script["make"] = ""
    steps = []
    Single(box, place(CELL, "pgo+lto"), 3, steps.append, print).run(source(tmp_path))
    assert steps == ["unpack", "configure", "make", "link again", "install", "keep"]
    told = next(command for command in box.commands if command.startswith("./configure"))
    assert told == (
        f"./configure --build=x86_64-linux-gnu --prefix={INSTALL} --enable-loadable-sqlite-extensions --enable-optimizations"
        " --enable-option-checking=fatal --enable-shared --with-lto --with-ensurepip"
    )
    flags = "EXTRA_CFLAGS=-g -O2 -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer LDFLAGS=-Wl,-z,relro,--strip-all"
    assert box.commands[-5:] == [
        f"make -j3 {flags}",
        "rm python",
        f"make -j3 python {flags},-rpath='$$ORIGIN/../lib'",
        "make install",
        f"{INSTALL}/bin/python3 -c import ssl, sqlite3",
    ]


def test_without_optimisation_and_before_312_it_has_fewer_words():
    old = place(Cell.parse("3.11.2-debian12-amd64"), "none")
    assert not {"--enable-optimizations", "--with-lto"} & set(configure(old, "x86_64-linux-gnu"))
    assert words(old, "-O2", "") == {"EXTRA_CFLAGS": "-O2", "LDFLAGS": "-Wl,--strip-all"}


def test_a_command_that_fails_ends_it(tmp_path):
    with pytest.raises(BuildFailed, match="ended with code 2"):
        Single(ScriptedBox({"./configure": (2, "no")}), place(CELL, "none"), 1, print, print).run(source(tmp_path))


@pytest.mark.parametrize(
    ("output", "seconds"),
    [
        ("usage_usec 2500000\nuser_usec 1\n", 2.5),
        ("1500000000\n", 1.5),
        ("", None),
        ("sh: cd: can't cd to /sys/fs/cgroup", None),
        ("nr_periods 7", None),
    ],
)
def test_cpu_seconds_are_read_from_either_kind_of_cgroup(output, seconds):
    assert used(output) == seconds
    assert cpu_seconds(ScriptedBox({"cgroup": output})) == seconds
    assert cpu_seconds(ScriptedBox({"cgroup": BuildFailed("gone")})) is None


def test_a_watch_tells_each_step_and_what_was_warned():
    box, times = ScriptedBox({"cgroup": "usage_usec 1000000"}), iter([0.0, 4.0, 6.0])
    watch = Watch(box, clock=lambda: next(times))
    watch.step("make")
    for line in (
        "../src/Python/ceval.c:10:1: warning: profile count data file not found [-Wmissing-profile]",
        "../src/Python/ceval.c: warning: again [-Wmissing-profile]",
        "Objects/a.c:3: error: coverage mismatch [-Werror=coverage-mismatch]",
        "Objects/b.c:3: warning: unused [-Wunused]",
    ):
        watch.line(line)
    box.script["cgroup"] = "usage_usec 9000000"
    watch.step("install")
    box.script["cgroup"] = ""
    watch.step("over")
    told = watch.told()
    assert told["steps"] == [
        {"step": "make", "seconds": 4.0, "cpu_seconds": 8.0},
        {"step": "install", "seconds": 2.0, "cpu_seconds": None},
    ]
    assert {kind: one for kind, one in told["warnings"].items() if one["lines"]} == {
        "missing-profile": {"lines": 2, "files": ["../src/Python/ceval.c"]},
        "coverage-mismatch": {"lines": 1, "files": ["Objects/a.c"]},
    }
    assert told["warnings"].keys() == KINDS.keys()


def test_what_clang_says_of_profiles_is_told_with_the_file_where_it_names_one():
    watch = Watch(ScriptedBox({}))
    for line in (
        "warning: profile data may be out of date: of 97 functions, 1 has mismatched data that will be ignored"
        " [-Wprofile-instr-out-of-date]",
        "error: profile data may be out of date: of 9 functions, 1 has mismatched data that will be ignored"
        " [-Werror,-Wprofile-instr-out-of-date]",
        'warning: no profile data available for file "_testembed.c" [-Wprofile-instr-unprofiled]',
        "warning: profile data may be incomplete: of 9 functions, 2 have no data [-Wprofile-instr-missing]",
        "warning: ../src/Python/ceval.c: Function control flow change detected (hash mismatch) f Hash = 1 [-Wbackend-plugin]",
        "clang: warning: argument unused during compilation: '-pthread' [-Wunused-command-line-argument]",
    ):
        watch.line(line)
    warnings = watch.told()["warnings"]
    assert {kind: one for kind, one in warnings.items() if one["lines"]} == {
        "profile-instr-out-of-date": {"lines": 2, "files": []},
        "profile-instr-unprofiled": {"lines": 1, "files": ["_testembed.c"]},
        "profile-instr-missing": {"lines": 1, "files": []},
        "backend-plugin": {"lines": 1, "files": ["../src/Python/ceval.c"]},
    }
    both = {name: half(name, 1.0) | {"warnings": warnings} for name in COUNTED}
    text = "\n".join(map(str, dual({"a cell": {"jobs": 2, **summary(both, "none")}})))
    assert "2 lines of `-Wprofile-instr-out-of-date`, 1 lines of `-Wprofile-instr-unprofiled` in _testembed.c, " in text
    assert "1 lines of `-Wbackend-plugin` in ../src/Python/ceval.c." in text


def test_halves_that_were_measured_stay_until_a_recipe_changes(tmp_path):
    recipe, settings = compose(CELL, Options(optimize="none"), load_facts(), "code"), Settings(cache=tmp_path)
    file = halves_file(settings, recipe, 2)
    others = [halves_file(settings, replace(recipe, code="other"), 2), halves_file(settings, recipe, 3)]
    assert len({file, *others}) == 3
    assert halves(file, None) == {}
    file.parent.mkdir()
    file.write_text('{"single": 1, "ours": 2}')
    assert halves(file, None) == {"single": 1, "ours": 2}
    assert halves(file, tmp_path / "tree.tar") == {}
    (tmp_path / "tree.tar").touch()
    assert halves(file, tmp_path / "tree.tar") == {"single": 1, "ours": 2}
    file.write_text('{"single": 1}')
    assert halves(file, None) == {}


@pytest.fixture
def builds(tmp_path, monkeypatch):
    """Builds that take no time: which were made so far, and which is the next to fail."""
    made = SimpleNamespace(names=[], failing="")

    def build(name):
        def run(box, watch, *_):
            made.names.append(name)
            if name == made.failing:
                raise BuildFailed("the host went down")
            for step in (*COUNTED[name], "over"):
                watch.step(step)

        return run

    monkeypatch.setattr(module, "single", build("single"))
    monkeypatch.setattr(module, "ours", build("ours"))
    monkeypatch.setattr(module, "Settings", lambda: Settings(cache=tmp_path))
    monkeypatch.setattr(module, "fetch", lambda *_: Path("source"))
    monkeypatch.setattr(module, "require", lambda _: SimpleNamespace(url=""))
    monkeypatch.setattr(module, "DockerEngine", lambda _: ScriptedEngine({"dual:1": ScriptedBox({})}))
    monkeypatch.setattr(module, "ImageMaker", lambda *_: SimpleNamespace(with_packages=lambda *_: "dual:1"))
    return made


def test_a_ratio_is_never_of_halves_of_two_runs(builds, tmp_path):
    builds.failing = "ours"
    with pytest.raises(BuildFailed):
        measured(CELL, "none", 2, None, fresh=False)
    builds.failing, builds.names = "", []
    first = measured(CELL, "none", 2, None, fresh=False)
    assert builds.names == ["single", "ours"]
    assert measured(CELL, "none", 2, None, fresh=False) == first
    assert builds.names == ["single", "ours"]
    measured(CELL, "none", 2, tmp_path / "tree.tar", fresh=False)
    assert builds.names == ["single", "ours"] * 2
    measured(CELL, "none", 2, None, fresh=True)
    assert builds.names == ["single", "ours"] * 3


def half(name, seconds, cpu=1.0):
    """A half whose steps take so long together, and `unpack` as long again."""
    times = {step: len(COUNTED[name]) for step in COUNTED[name]} | {"unpack": 1}
    steps = [{"step": step, "seconds": seconds / part, "cpu_seconds": cpu and cpu / part} for step, part in times.items()]
    return {"steps": steps, "warnings": {}}


def test_the_goal_is_of_the_steps_that_both_have():
    told = summary({"single": half("single", 10.0), "ours": half("ours", 13.5)}, "pgo+lto")
    assert (told["ratio"], told["cpu_ratio"], told["met"]) == (1.35, 1.0, True)
    told = summary({"single": half("single", 10.0, cpu=None), "ours": half("ours", 14.1)}, "none")
    assert (told["ratio"], told["cpu_ratio"], told["most"], told["met"]) == (1.41, None, MOST["none"], False)


def test_bytecode_and_stripping_are_counted_where_the_single_builds_install_and_link_do_both():
    steps = [{"step": step, "seconds": 1.0, "cpu_seconds": 2.0} for step in ("install", "split debug", "bytecode", "export")]
    told = summary({"single": half("single", 3.0, 4.0), "ours": {"steps": steps, "warnings": {}}}, "none")
    assert (told["ratio"], told["cpu_ratio"]) == (1.0, 1.5)
    text = "\n".join(map(str, dual({"a cell": {"jobs": 2, **told}})))
    assert "The ratio is of configure, make shared, install, link static, split debug, bytecode in ours, by configure" in text
    assert "| ours | bytecode | 1.0 | 0.333 | 2.0 |" in text


def test_ratios_that_are_kept_are_what_is_now_made_of_their_steps():
    every = json.loads((RESULTS / "dual.json").read_text("utf-8"))
    assert every == {name: anew(one) for name, one in every.items()}
