"""The dual build beside the official recipe: what that is told, what is compared, what compilers say of profiles."""

import io
import tarfile
from dataclasses import replace

import pytest

from benchmarks.dual import COUNTED, Watch, halves, halves_file, summary
from benchmarks.official import INSTALL, MOST, Single, configure, place, words
from farm.errors import BuildFailed
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.settings import Settings
from tests.fakes import ScriptedBox
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
    assert watch.told() == {
        "steps": [
            {"step": "make", "seconds": 4.0, "cpu_seconds": 8.0},
            {"step": "install", "seconds": 2.0, "cpu_seconds": None},
        ],
        "warnings": {
            "missing-profile": {"lines": 2, "files": ["../src/Python/ceval.c"]},
            "coverage-mismatch": {"lines": 1, "files": ["Objects/a.c"]},
        },
    }


def test_a_half_that_was_measured_stays_until_a_recipe_changes(tmp_path):
    recipe, settings = compose(CELL, Options(optimize="none"), load_facts(), "code"), Settings(cache=tmp_path)
    file = halves_file(settings, recipe, 2)
    others = [halves_file(settings, replace(recipe, code="other"), 2), halves_file(settings, recipe, 3)]
    assert len({file, *others}) == 3
    assert halves(file, None) == {}
    file.parent.mkdir()
    file.write_text('{"single": 1, "ours": 2}')
    assert halves(file, None) == {"single": 1, "ours": 2}
    assert halves(file, tmp_path / "tree.tar") == {"ours": 2}


def half(name, seconds, cpu=1.0):
    steps = [{"step": step, "seconds": seconds, "cpu_seconds": cpu} for step in (*COUNTED[name], "unpack")]
    return {"steps": steps, "warnings": {}}


def test_the_goal_is_of_the_steps_that_both_have():
    told = summary({"single": half("single", 10.0), "ours": half("ours", 13.5)}, "pgo+lto")
    assert (told["ratio"], told["cpu_ratio"], told["met"]) == (1.35, 1.0, True)
    told = summary({"single": half("single", 10.0, cpu=None), "ours": half("ours", 14.1)}, "none")
    assert (told["ratio"], told["cpu_ratio"], told["most"], told["met"]) == (1.41, None, MOST["none"], False)
