"""How Pythons are compared: what is kept of runs, which benchmarks are left out, which goals are met."""

import json
import subprocess
import sys

import pytest

from benchmarks import __main__ as bench
from benchmarks.goals import GOALS, GROUPS, judged
from benchmarks.library import COMPARE, imported
from benchmarks.ratios import PAIRS
from benchmarks.speed import conditions, told_of
from benchmarks.speed import main as speed
from benchmarks.turns import BENCHMARKS, TOOLS, Bench, kept, tools_of
from farm.plan.cell import Version
from farm.plan.facts import load_facts

CONTESTANTS = {"executable": "ours", "distro's executable": "theirs"}


def ran(tmp_path, monkeypatch, runs):
    asked = []

    def measured(_self, name, order):
        asked.extend((name, who) for who in order)
        return {who: {name: [1.0]} for who in order}

    monkeypatch.setattr(Bench, "_round", measured)
    found = Bench(None, CONTESTANTS, tmp_path / "runs.json", runs)
    found.run(2, ["go", "chaos"])
    return asked


def test_an_ended_run_goes_on_and_no_round_has_some_without_the_others(tmp_path, monkeypatch):
    assert len(ran(tmp_path, monkeypatch, {})) == 8
    runs = kept(tmp_path / "runs.json")
    assert ran(tmp_path, monkeypatch, runs) == []
    del runs["1 chaos executable"]
    assert sorted(ran(tmp_path, monkeypatch, runs)) == [("chaos", "distro's executable"), ("chaos", "executable")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs.json", "runs.measured.json"]


def test_runs_of_another_image_or_another_tree_of_the_official_recipe_are_no_part_of_a_figure(tmp_path):
    """The distro may have another Python tomorrow, and what goes on is a figure of two of them."""
    tree = tmp_path / "official.tar"
    names = {conditions("image 1", tree, ("pyperf",)), conditions("image 2", tree, ("pyperf",))}
    for content in (b"built", b"built anew"):
        tree.write_bytes(content)
        names.add(conditions("image 1", tree, ("pyperf",)))
    names.add(conditions("image 1", tree, ("another pyperf",)))
    assert len(names) == 5
    assert conditions("image 1", tree, ("pyperf",)) in names


@pytest.mark.parametrize("series", load_facts().series)
def test_every_series_has_one_row_of_tools(series):
    assert len([row for row in TOOLS if row.spans((*map(int, series.split(".")), 0))]) == 1


def test_a_python_is_run_by_tools_that_it_can_run():
    assert tools_of(Version.parse("3.9.2")) == ("pyperf==2.10.0", "pyperformance==1.11.0")
    assert tools_of(Version.parse("3.13.5")) == ("pyperf==2.11.0", "pyperformance==1.14.0")


def test_a_part_of_the_set_is_not_written_over_the_figures_of_all(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["speed", "3.13.5-debian13-amd64", "--only", "json_loads"])
    with pytest.raises(SystemExit):
        speed()
    assert "give --only together with another --out" in capsys.readouterr().err


def test_what_a_benchmark_imports_is_compared_by_its_code(tmp_path):
    assert imported("import pyperf, xml.etree.ElementTree as et\nfrom json import x\nfrom . import y") == {
        "xml.etree.ElementTree",
        "json",
    }
    for name, number in (("ours", 1), ("theirs", 2)):
        (tmp_path / name / "json").mkdir(parents=True)
        (tmp_path / name / "json" / "one.py").write_text(f"x = {number}")
        (tmp_path / name / "copy.py").write_text(f'"""Of {name}."""\nx = 1  # {name}')
    (tmp_path / "ours" / "new.py").write_text("")
    argv = [sys.executable, "-c", COMPARE, str(tmp_path / "ours"), str(tmp_path / "theirs"), "json", "copy", "math", "new"]
    assert json.loads(subprocess.run(argv, check=True, capture_output=True).stdout) == ["json"]


def test_a_benchmark_with_another_library_is_in_no_mean():
    runs = {
        f"0 {script} {who}": {script: [seconds if who == "executable" else 1.0]}
        for who in CONTESTANTS
        for script, seconds in (("go", 0.5), ("json_dumps", 8.0), ("start", 8.0), ("mdp", 8.0))
    }
    told = told_of(runs, 1, ["go", "json_dumps", "start"], {"json_dumps": ["json"], "mdp": ["fractions"]})
    pair = told["pairs"]["executable against the distro's"]
    assert told["differs"] == {"json_dumps": ["json"]}
    assert (pair["mean"], list(pair["each"])) == (2.0, ["go", "json_dumps", "start"])


def test_goals_speak_of_what_is_measured():
    assert {goal.pair for goal in GOALS} <= set(PAIRS)
    assert {goal.of for goal in GOALS} <= {"mean", "each", *GROUPS}
    assert all(set(names) <= set(BENCHMARKS) for names in GROUPS.values())


def test_a_goal_is_decided_by_the_end_of_the_interval_that_it_names():
    def pair(**each):
        told = {name: {"mean": 1.0, "low": low, "high": high} for name, (low, high) in each.items()}
        return {"mean": 1.06, "low": 1.04, "high": 1.08, "each": told}

    pairs = {"executable against the distro's": pair(go=(0.96, 1.3), zlib=(0.9, 1.01), start=(0.7, 0.99), pickle=(0.5, 0.6))}
    told = {one.goal.of: one for one in judged(pairs, {"pickle": ["pickle"]})}
    assert (told["mean"].met, told["mean"].figure) == (False, 1.04)
    assert (told["each"].met, told["each"].benchmark) == (False, "zlib")
    assert (told["start"].met, told["start"].figure) == (False, 0.99)
    assert (told["modules"].met, told["modules"].benchmark) == (True, "zlib")


def test_a_store_is_passed_to_those_that_need_one_and_sets_are_spelled_out():
    found = bench.commands(["long", "scale"], "/a/store")
    assert set(found) == {"scale", *bench.SETS["long"]}
    assert found["speed"][-2:] == ["--store", "/a/store"]
    assert "--store" not in found["scale"] + bench.commands(["speed"], "")["speed"]
    assert set(bench.commands([], "")) == set(bench.SETS["short"])
    with pytest.raises(ValueError, match="there is no measurement spede"):
        bench.commands(["spede"], "")
