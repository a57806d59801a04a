"""docs/performance.md says what was measured, and nothing else."""

import json

import pytest

from benchmarks import goals, page, readme
from benchmarks.goals import Goal
from benchmarks.ratios import PAIRS
from benchmarks.sections.experiments import experiments
from benchmarks.sections.speed import speed
from tests.benchmarks.test_experiments import row


def test_the_page_is_what_the_results_say():
    assert page.PAGE.read_text("utf-8") == page.text(), "python -m benchmarks.page writes it anew"


def test_the_readme_says_what_the_results_say():
    assert readme.README.read_text("utf-8") == page.readme(), "python -m benchmarks.page writes them anew"


def test_only_the_table_of_budgets_is_written_anew():
    before, after = "# A\n\n| x |\n|---|\n\n## Time budgets\n\ntext\n\n", "\ntext\n\n| y |\n"
    figure = {"what": "a thing", "budget": 2, "seconds": 1.2345, "how": "once"}
    new = "| what | budget | measured | how |\n|---|---|---|---|\n| a thing | 2 s | 1.23 s | once |\n"
    assert readme.with_budgets(f"{before}| old |\n|---|\n| row |\n{after}", [figure]) == f"{before}{new}{after}"
    for without in ("# A\n", "## Time budgets\n\ntext\n\n## Other\n\n| x |\n"):
        with pytest.raises(ValueError, match="no table"):
            readme.with_budgets(without, [figure])


def test_the_readme_claims_the_lower_ends_of_the_intervals():
    pairs = {name: {"mean": 2.0, "low": at / 100 + 0.009, "high": 3.0} for at, name in enumerate(PAIRS, 101)}
    one = {"optimize": "pgo+lto", "rounds": 5, "pairs": pairs}
    before, after = "# A\n\n", "\n## Two commands\n"
    text = readme.with_speed(f"{before}Measured side by side (old\nof two lines\n{after}", "a cell", one, 34)
    said = " ".join(text.removeprefix(before).removesuffix(after).split())
    assert said.startswith(
        "Measured side by side (a cell, pgo+lto, 5 rounds of 34 benchmarks): the executable is at least 1.01"
    )
    assert "and 1.05 times as one made by the recipe" in said
    assert "`libpython` is at least 1.02 times as fast as the distro's own" in said
    assert "and 1.06 times" in said
    assert "old" not in text
    assert max(map(len, text.splitlines())) <= 128
    with pytest.raises(ValueError, match="no paragraph"):
        readme.with_speed(before, "a cell", one, 34)


def test_what_was_not_measured_has_no_section(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    assert page.text().strip() == page.HEAD.strip()
    figure = {"what": "a thing", "budget": 2, "seconds": 1.5, "how": "once"}
    (tmp_path / "budgets.json").write_text(json.dumps({"figures": [figure]}))
    assert "| a thing | 2 s | 1.50 s | 0.75 | met | once |" in page.text()
    (tmp_path / "by_hand.json").write_text(json.dumps({"figures": [figure | {"seconds": 3}]}))
    assert "| a thing | 2 s | 3.00 s | 1.50 | **not met** | once |" in page.text()


def test_the_page_begins_with_how_many_goals_are_met_and_where(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    good, bad = ({"what": "a thing", "budget": 2, "seconds": seconds, "how": "once"} for seconds in (1.5, 3))
    (tmp_path / "budgets.json").write_text(json.dumps({"figures": [good, bad, good]}))
    (tmp_path / "by_hand.json").write_text(json.dumps({"figures": [bad]}))
    text = page.text()
    assert (
        "| [Time budgets](#time-budgets) | 2 | 1 |\n| [Measured by hand](#measured-by-hand) | 0 | 1 |\n| all | 2 | 2 |" in text
    )
    assert text.index("## Goals") < text.index("## Time budgets")


def test_speed_is_told_by_pair_by_goal_and_by_benchmark(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    each = {name: {"mean": mean, "low": mean - 0.1, "high": mean + 0.1} for name, mean in (("go", 1.5), ("json_dumps", 1.1))}
    pair = {"mean": 1.25, "low": 1.2, "high": 1.3, "each": each}
    told = {"distro": "3.13.5", "rounds": 5, "cell": "3.13.15-debian13-amd64", "differs": {"json_dumps": ["json"]}}
    told["build"] = "2026113001"
    told["pairs"] = {"libpython against the distro's": pair}
    (tmp_path / "speed.json").write_text(json.dumps({"3.13.15-debian13-amd64 pgo+lto": told}))
    text = page.text()
    assert "### 3.13.15-debian13-amd64 pgo+lto, build 2026113001, beside the distro's 3.13.5: 5 rounds" in text
    assert "The distro has 3.13.5, ours is 3.13.15." in text
    assert "json_dumps (json). The means are of 1 benchmarks." in text
    assert "`logging` is not in the set: " in text
    assert "| libpython against the distro's | 1.25 | 1.2 to 1.3 | json_dumps 1.1, go 1.5 |" in text
    assert "| libpython is at least 1.25 times as fast as the distro's | 1.2 | **not met** |" in text
    assert "| go | 1.5 (1.4 to 1.6) |" in text
    assert "| json_dumps (library differs) |" in text


def test_the_dual_build_is_told_with_its_goal_its_steps_and_its_profiles(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    warnings = {"missing-profile": {"lines": 2, "files": ["a.c"]}, "coverage-mismatch": {"lines": 0, "files": []}}
    halves = {
        "single": {"steps": [{"step": "make", "seconds": 100.0, "cpu_seconds": 150.0}], "warnings": warnings},
        "ours": {"steps": [{"step": "unpack", "seconds": 3.0, "cpu_seconds": None}], "warnings": warnings},
    }
    told = {"jobs": 2, "ratio": 1.4, "cpu_ratio": None, "most": 1.35, "met": False, **halves}
    (tmp_path / "dual.json").write_text(json.dumps({"3.13.15-debian13-amd64 pgo+lto": told}))
    text = page.text()
    assert "| 3.13.15-debian13-amd64 pgo+lto | 2 | 1.4 | not known | 1.35 | **not met** |" in text
    assert "| single | make | 100.0 | 1.000 | 1.5 |" in text
    assert "| ours | unpack | 3.0 | not compared | not known |" in text
    assert "Profiles, ours: 2 lines of `-Wmissing-profile` in a.c, 0 lines of `-Wcoverage-mismatch`." in text


def test_what_grows_is_told_by_the_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    plan = {size: {"cpu_s": cpu, "wall_s": 1.0, "mib": 40.0} for size, cpu in (("100", 0.5), ("1000", 1.0), ("10000", 20.0))}
    publish = {size: {"cpu_s": cpu, "read_kib": 1, "written_kib": 2} for size, cpu in (("100", 0.02), ("1000", 0.05))}
    publish["1000"] |= {"requests": 60.0, "cells_of_distro": 100}
    sizes = {"catalog_kib": 1, "index_kib": 2, "first_cpu_s": 11.0, "first_kernel_s": 3.0, "first_s": 8.0}
    render = {"1000": {"again_s": 2.0, "again_cpu_s": 2.0, **sizes}, "5000": {"again_s": 12.0, "again_cpu_s": 9.0, **sizes}}
    requests = {"100": {"get": 6, "list": 2}, "1000": {"get": 6, "list": 6}}
    publishers = {"1": {"cpu_s": 0.02, "requests": 60.0, "wall_s": 0.1}, "8": {"cpu_s": 0.03, "requests": 90.0, "wall_s": 0.05}}
    told = {"plan": plan, "publish": publish, "render": render}
    (tmp_path / "scale.json").write_text(json.dumps(told))
    assert "publishers" not in page.text()
    (tmp_path / "scale.json").write_text(json.dumps({**told, "requests": requests, "publishers": publishers}))
    text = page.text()
    assert "| 10000 | 20.0 | 1.0 | 40.0 | 0.400 | 2.00 |" in text
    assert "| 1000 | 0.05 | 2.50 | 1 | 2 | 1.00 | 60.0 | 100 |" in text
    assert "| 100 | 0.02 | 1.00 | 1 | 2 | 1.00 | not counted | not counted |" in text
    assert "| 1000 | 6 | 6 | 1.50 |" in text
    assert "| 8 | 0.03 | 1.50 | 90.0 | 1.50 | 0.05 |" in text
    assert "At first, 5000 artifacts take 0.80 of their 10 s: met." in text
    assert "Again, 5000 artifacts take 1.20 of their 10 s: **not met**." in text


def test_a_plot_has_the_same_bytes_every_time(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PLOTS", tmp_path)
    plot = page.Plot("p", {"one": ([1, 10], [2, 3]), "two": ([1, 10], [4, 5])}, "cells", "seconds")
    page.draw(plot)
    first = (tmp_path / "p.svg").read_bytes()
    page.draw(plot)
    assert (tmp_path / "p.svg").read_bytes() == first
    assert b"<svg" in first


def test_every_plot_of_the_page_is_there():
    assert {f"{part.name}.svg" for part in page.parts() if isinstance(part, page.Plot)} == {
        path.name for path in page.PLOTS.iterdir()
    }


def counted(instructions, estimated):
    return {
        "executable": {"instructions": 100, "estimated": 200},
        "distro's executable": {"instructions": instructions, "estimated": estimated},
    }


def told(of, low, counts, build="1", rounds=5):
    """The page's section about one benchmark in which the executable is so many times as fast."""
    each = {name: {"mean": low, "low": low, "high": low} for name in ("go", "json_loads")}
    pair = {"mean": low, "low": low, "high": low, "each": each}
    one = {"distro": "3.13.5", "rounds": rounds, "cell": "3.13.5-debian13-amd64", "differs": {}, "build": "1"}
    goal = Goal("twice as fast", "executable against the distro's", of, "low", 2.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(goals, "GOALS", (goal,))
        text = "\n".join(
            map(str, speed({"x": {**one, "pairs": {goal.pair: pair}}}, {"x": {"build": build, "benchmarks": counts}}))
        )
    return next((line for line in text.splitlines() if line.startswith(("Not met", "Goals are judged"))), "")


COUNTS = {"go": counted(99, 210), "json_loads": counted(120, 200)}


def test_the_page_says_of_a_goal_that_is_not_met_what_was_counted():
    assert told("mean", 1.9, COUNTS) == (
        "Not met, twice as fast: counted in 2 benchmarks (callgrind), the distro's executable has 0.99 to 1.20 times as many"
        " instructions and 1.00 to 1.05 times as many estimated cycles as our executable."
    )
    assert told("mean", 2.0, COUNTS) == ""


@pytest.mark.parametrize("low", [1.9, 2.1])
def test_by_few_rounds_no_goal_is_judged(low):
    assert told("mean", low, COUNTS, rounds=4) == "Goals are judged from 5 rounds on."
    rules = {**row(1 / low, 1 / low, "debian-rules"), "rounds": 4}
    text = "\n".join(map(str, experiments({"3.14.7-debian13-amd64": {"debian-rules": rules}})))
    assert "Debian's rules make of the same source: not judged before 5 rounds (" in text


def test_of_a_goal_of_a_group_only_its_benchmarks_are_said_and_which_decides():
    assert told("modules", 1.9, COUNTS).endswith(
        "counted in 1 benchmark (callgrind), the distro's executable has 1.20 times as many instructions and 1.00 times as many"
        " estimated cycles as our executable; in json_loads, which decides, 1.20 times as many instructions and 1.00 times as"
        " many estimated cycles."
    )
    assert told("each", 1.9, {"other": counted(100, 200)}).endswith("; go, which decides, was not counted.")


@pytest.mark.parametrize(("counts", "build"), [({}, "1"), (COUNTS, "2")])
def test_nothing_is_said_of_what_was_not_counted_or_was_counted_of_another_build(counts, build):
    assert told("mean", 1.9, counts, build) == ""


def both(times):
    return {"executable": times, "libpython": 1.0}


@pytest.mark.parametrize(("high", "counts", "said"), [(1 / 1.05, True, True), (1 / 1.2, True, False), (1 / 1.05, False, False)])
def test_the_page_says_so_beside_debians_rules_too(high, counts, said):
    rules = row(high, high, "debian-rules")
    rules["instructions"] = {"nbody": both(1.15), "json_loads": both(0.9746)} if counts else {}
    text = "\n".join(map(str, experiments({"3.14.7-debian13-amd64": {"debian-rules": rules}})))
    assert ("0.97 to 1.15 times as many instructions (nbody, json_loads: callgrind)." in text) is said
    assert ("**not met**" in text) is (high == 1 / 1.05)
