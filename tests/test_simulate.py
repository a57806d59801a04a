"""The farm on paper: what waits, what is taken, and that the limits of the real farm are in it."""

import json
import random

import pytest
import simpy

from benchmarks import page
from benchmarks.simulate import WAYS, Dispatcher, Way, Work, simulated
from farm.dispatch.tempo import Tempo

ARCHES = ("amd64", "arm64")


def dispatcher(work, way):
    return Dispatcher(simpy.Environment(), ARCHES, work, way)


def sent(made):
    return [(at, each.arch) for queues in made._queues.values() for queue in queues.values() for at, each in queue]


def test_a_window_is_of_each_queue_or_of_the_run():
    work = [Work("debian13", arch, 1.0) for arch in ("arm64", "arm64", "arm64", "amd64")]
    assert sorted(sent(dispatcher(work, Way(list, window=2)))) == [(0, "arm64"), (1, "arm64"), (3, "amd64")]
    assert sorted(sent(dispatcher(work, Way(list, window=2, apart=False)))) == [(0, "arm64"), (1, "arm64")]


def test_queues_take_turns_and_what_is_taken_makes_room_in_the_order_of_the_run():
    made = dispatcher([Work(distro, "amd64", 1.0) for distro in ("a", "a", "a", "b")], Way(list, window=1))
    assert [made.take("amd64", turn)[0] for turn in (0, 1)] == [0, 3]
    made.back(0, Work("a", "amd64", 1.0))
    assert [made.take("amd64", 0)[0] for _ in range(3)] == [1, 0, 2]


def test_all_cells_are_built_whatever_fails():
    work = [Work("debian13", ARCHES[number % 2], 10.0) for number in range(40)]
    makespan, images = simulated(work, {"amd64": 2, "arm64": 2}, random.Random(1), WAYS["farm"])
    assert (makespan > 100, images) == (True, 4)
    assert makespan == pytest.approx(210, abs=60)


def test_the_farm_of_the_simulation_has_the_farms_window():
    assert (WAYS["farm"].window, WAYS["farm"].apart) == (Tempo.window, True)


def test_the_page_tells_how_many_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    rows = [{"workers": 3, "bound_hours": 1.5, "by_bound": {"farm": 1.02, "one window": 1.5}}]
    told = {"cells": 10, "rows": rows, "builds_drawn_from": {"none": 28}, "fails": 0.03, "image_seconds": 110.0}
    (tmp_path / "simulation.json").write_text(json.dumps(told))
    assert "the longest cells first, with any number waiting" in page.text()
    (tmp_path / "simulation.json").write_text(json.dumps({**told, "window": 8}))
    assert "the longest cells first, with at most 8 waiting" in page.text()
    assert "| 3 | 1.5 | 1.02 | 1.5 |" in page.text()
