"""The time budgets: whose steps are told, which of them count, and what is said where nothing is published."""

import pytest

from benchmarks import budgets
from benchmarks.budgets import steps
from benchmarks.sections.cells import light
from farm.plan.cell import Cell
from farm.store.artifact import StepTime
from tests.benchmarks.test_measured_cells import STEPS, store_with
from tests.show.test_built import artifact

CELL = "3.13.5-debian13-amd64"


def built(cell=CELL, build_id="2026112201", created="2026-11-22T20:00:00Z", how="native", **took):
    one = artifact(cell, build_id)
    build = one.build.model_copy(update={"built": how, "arch": cell.split("-")[2]})
    times = tuple(StepTime(step=step, seconds=seconds) for step, seconds in (STEPS | took).items())
    return one.model_copy(update={"created": created, "build": build, "steps": times})


def test_what_is_compiled_besides_cpython_is_no_part_of_the_light_steps(tmp_path):
    one = built(**{"make python for this machine": 300.0})
    store_with(tmp_path, one)
    figure = steps(tmp_path)[0]
    assert figure.seconds == STEPS["unpack"]
    assert figure.how == f"{CELL}, none, build 2026112201"
    told = one.model_dump()
    assert light(told) == pytest.approx(figure.seconds / sum(step["seconds"] for step in told["steps"]))


def test_the_steps_are_those_of_the_newest_native_build_or_of_the_cell_that_is_named(tmp_path):
    late, latest = "2026-11-23T20:00:00Z", "2026-11-24T20:00:00Z"
    arm, older = "3.13.5-debian13-arm64", "3.14.7-debian13-amd64"
    store_with(
        tmp_path,
        built(build_id="2026112201", created=late, pack=1.0),
        built(older, "2026112209", pack=2.0),
        built(arm, "2026112401", latest, pack=3.0),
        built("3.13.5-debian12-amd64", "2026112401", latest, "cross", pack=4.0),
    )
    assert steps(tmp_path)[1].seconds == 1.0
    assert steps(tmp_path, Cell.parse(arm))[1].seconds == 3.0
    assert steps(tmp_path, Cell.parse(older))[1].seconds == 2.0


def test_where_nothing_fits_the_next_step_is_named_before_anything_is_measured(tmp_path, monkeypatch):
    def command(*argv, runs):
        raise AssertionError(argv)

    monkeypatch.setattr(budgets, "command", command)
    monkeypatch.setattr("sys.argv", ["budgets", "--store", str(tmp_path / "fresh")])
    with pytest.raises(SystemExit, match=r"no native build for amd64 is published in .*fresh: run `make demo` first,"):
        budgets.main()
    store_with(tmp_path / "arm", built("3.13.5-debian13-arm64"))
    monkeypatch.setattr("sys.argv", ["budgets", "--store", str(tmp_path / "arm"), "--cell", CELL])
    with pytest.raises(SystemExit, match=f"no build of {CELL} is published"):
        budgets.main()
