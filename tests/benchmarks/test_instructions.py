"""Callgrind's files are read right, and what one loop takes is the difference of two runs."""

from __future__ import annotations

import contextlib
from collections import Counter
from types import SimpleNamespace

import pytest

from benchmarks import instructions as counts
from benchmarks.instructions import busiest, functions, more
from benchmarks.sections.instructions import instructions

FILE = """# callgrind format
version: 1
cmd:  /work/python/bin/python3.13 run.py
positions: line
events: Ir Bc Bcm Bi Bim
summary: 171 9 2 3 1

ob=(1) /work/python/bin/python3.13
fl=(1) ???
fn=(1) main
0 100 5 1
cob=(2) /lib/x86_64-linux-gnu/libc.so.6
cfi=(2) ???
cfn=(2) malloc
calls=3 0
0 60 4 1 3 1
+3 1
ob=(2)
fl=(2)
fn=(2)
* 40 4 1 3 1
fn=(3) malloc'2
-2 20
ob=(1)
fn=(4) 0x00000000001a2b30
0 9
fn=(1)
12 1

totals: 171 9 2 3 1
"""


def test_each_function_has_what_it_did_itself():
    assert functions(FILE.splitlines()) == {
        "main": {"Ir": 102, "Bc": 5, "Bcm": 1},
        "malloc": {"Ir": 60, "Bc": 4, "Bcm": 1, "Bi": 3, "Bim": 1},
        "without a name, in python3.13": {"Ir": 9},
    }


@pytest.mark.parametrize("wrong", [FILE.replace("totals: 171", "totals: 172"), FILE.replace("calls=3 0\n", ""), "version: 1"])
def test_counts_that_do_not_add_up_are_no_result(wrong):
    with pytest.raises(ValueError, match="do not add up"):
        functions(wrong.splitlines())


def test_a_loop_is_what_two_runs_differ_by():
    few = {"start": Counter(Ir=1000, Bc=10), "loop": Counter(Ir=50, Bc=5, Bcm=2, Bi=1)}
    many = {
        "start": Counter(Ir=1000, Bc=10),
        "loop": Counter(Ir=150, Bc=25, Bcm=4, Bi=3),
        "rare": Counter(Ir=4, I1mr=8, D1mr=6, D1mw=4, DLmr=4, DLmw=2),
    }
    assert more(few, many, 2) == {
        "instructions": 52,
        "branches": 11,
        "mispredicted": 1,
        "missed": 4,
        "estimated": 52 + 10 * 1 + 10 * (4 + 5) + 100 * 3,
        "functions": {"loop": 50, "rare": 2, "start": 0},
    }


def test_a_function_that_is_busy_somewhere_is_told_of_everybody():
    ours = {f"f{rank}": 100 - rank for rank in range(9)}
    told = busiest({"ours": {"functions": ours}, "theirs": {"functions": {**ours, "f7": 1, "f8": 99, "rare": 0}}})
    assert told["ours"]["functions"]["f8"] == 92
    assert told["theirs"]["functions"]["f7"] == 1
    assert "rare" not in told["theirs"]["functions"]


def test_the_page_tells_ratios():
    def did(count, missed=0, **functions):
        return {
            "instructions": count,
            "branches": 5,
            "mispredicted": 2,
            "missed": missed,
            "estimated": 2 * count,
            "functions": functions,
        }

    told = {
        "executable": did(100, 8, eval=90),
        "distro's executable": did(120, 12, eval=60, call=50),
        "libpython": did(110, 10),
        "distro's libpython": did(150),
    }
    text = "\n".join(map(str, instructions({"a cell": {"build": "1", "benchmarks": {"nbody": told}}})))
    assert "| nbody | 1.200 | 1.000 | 1.500 | 1.200 | 1.364 | 1.000 |  | 1.364 | 0.909 | 1.000 | 0.800 | 0.909 |" in text
    assert "### Instructions: a cell, build 1" in text


def test_what_was_counted_is_not_counted_again(tmp_path, monkeypatch):
    box = SimpleNamespace(put=lambda *_: None)
    engine = SimpleNamespace(box=lambda _spec: contextlib.nullcontext(box), identity=lambda image: f"id of {image}")
    asked: list[tuple[str, str]] = []

    def counting(_box, python, name, _further):
        asked.append((python, name))
        if python == "/theirs" and len(asked) == 2:
            raise SystemExit("ended")
        return {"instructions": len(asked), "functions": {"eval": 1}}

    for name, fake in {
        "Settings": lambda: SimpleNamespace(cache=tmp_path),
        "require": lambda _settings: SimpleNamespace(url=""),
        "DockerEngine": lambda _url: engine,
        "image_of": lambda *_: "an image",
        "tools": lambda *_: {},
        "fetched": lambda *_: tmp_path,
        "tar_stream": lambda _file: contextlib.nullcontext(b""),
        "contestants": lambda _box, _series: {"ours": "/ours", "theirs": "/theirs"},
        "loop_counted": counting,
    }.items():
        monkeypatch.setattr(counts, name, fake)
    artifact = SimpleNamespace(build=SimpleNamespace(cell="3.13.5-debian13-amd64", recipe="0" * 64), build_id="2026010101")
    with pytest.raises(SystemExit):
        counts.measured(artifact, None, {"nbody": 1})
    assert set(counts.measured(artifact, None, {"nbody": 1})["benchmarks"]) == {"nbody"}
    assert asked == [("/ours", "nbody"), ("/theirs", "nbody"), ("/theirs", "nbody")]
    whole = counts.measured(artifact, None, {"float": 1})
    found = whole["benchmarks"]
    assert (whole["build"], whole["measured"]["cores"] > 0) == (artifact.build_id, True)
    assert set(found) == {"nbody", "float"}  # what was counted before is told, too
    assert found["nbody"]["ours"]["instructions"] == 1
    again = counts.measured(artifact, None, {"nbody": 1}, fresh=True)["benchmarks"]
    assert again["nbody"]["ours"]["instructions"] > 1
    assert again["float"] == found["float"]
