"""The farm on paper: what waits, what is taken, that the limits of the real farm are in it, and what the page says of it."""

import itertools
import json
import random

import pytest
import simpy

from benchmarks import page, simulate
from benchmarks.sections.simulation import simulation
from benchmarks.simulate import ARCHES, BACKOFF_S, IMAGE_S, WAYS, WORKERS, Dispatcher, Way, Work, bound, simulated
from farm.dispatch.tempo import Tempo
from farm.plan.facts import load_facts

AMD, ARM = ("amd64",), ("arm64",)


def dispatcher(work, way):
    return Dispatcher(simpy.Environment(), (AMD, ARM), work, way)


def sent(made):
    return [(at, each.arch) for queue in made._queues.values() for at, each in queue]


def test_a_window_is_of_each_queue_or_of_the_run():
    work = [Work("debian13", arch, 1.0) for arch in ("arm64", "arm64", "arm64", "amd64")]
    assert sorted(sent(dispatcher(work, Way(list, window=2)))) == [(0, "arm64"), (1, "arm64"), (3, "amd64")]
    assert sorted(sent(dispatcher(work, Way(list, window=2, apart=False)))) == [(0, "arm64"), (1, "arm64")]


def test_queues_take_turns_and_what_is_taken_makes_room_in_the_order_of_the_run():
    made = dispatcher([Work(distro, "amd64", 1.0) for distro in ("a", "a", "a", "b")], Way(list, window=1))
    turns = made.turns(AMD, 0)
    assert [made.take(turns)[0] for _ in range(2)] == [0, 3]
    made.add(0, Work("a", "amd64", 1.0))
    assert [made.take(turns)[0] for _ in range(3)] == [1, 0, 2]


def test_workers_do_not_all_begin_with_the_same_queue():
    made = dispatcher([Work(distro, arch, 1.0) for distro in ("a", "b") for arch in ARCHES], Way(list))
    assert [made.turns(AMD, number)[0] for number in range(3)] == ["amd64 a", "amd64 b", "amd64 a"]
    assert len(made.turns(ARCHES, 0)) == 4


@pytest.mark.parametrize(
    ("way", "taken"),
    [
        (Way(list), [0, 1, 2, 3]),
        (Way(list, stays=True), [0, 2, 1, 3]),
        (Way(list, distros=False), [0, 1, 2, 3]),
    ],
)
def test_who_stays_takes_what_its_image_is_for_while_there_is_any(way, taken):
    made = dispatcher([Work(distro, "amd64", 1.0) for distro in ("a", "b", "a", "b")], way)
    turns = made.turns(AMD, 0)
    assert [made.take(turns)[0] for _ in taken] == taken


def test_images_sends_the_cells_of_one_image_after_those_of_another_and_the_farm_mixes_them():
    cells = simulate.planned(200, random.Random(1))

    def changes(name):
        images = [(each.cell.distro, each.cell.arch) for each in WAYS[name].order(cells)]
        return sum(one != other for one, other in itertools.pairwise(images))

    assert changes("images") == len({(each.cell.distro, each.cell.arch) for each in cells}) - 1
    assert changes("farm") > changes("images")
    assert (WAYS["images"].distros, WAYS["by arch"].distros, WAYS["farm"].distros) == (False, False, True)


def test_no_two_orders_are_the_same_experiment(monkeypatch):
    monkeypatch.setattr(simulate, "WORKERS", (10, 100, 300))
    rows = list(simulate.measured(600, 1, 1))
    found = {name: [(row["by_bound"][name], row["images_made"][name]) for row in rows] for name in WAYS}
    assert [pair for pair in itertools.combinations(WAYS, 2) if found[pair[0]] == found[pair[1]]] == []
    assert all(ratio >= 1 for row in rows for ratio in row["by_bound"].values())
    assert [row["by_farm"]["farm"] for row in rows] == [1, 1, 1]


def test_all_cells_are_built_whatever_fails():
    fails = itertools.cycle([(), (0.5,), (), (0.5, 0.5)])
    work = [Work("debian13", ARCHES[number // 2 % 2], 10.0, next(fails)) for number in range(40)]
    makespan, images = simulated(work, {AMD: 2, ARM: 2}, WAYS["farm"])
    least, alone = bound(work, {AMD: 2, ARM: 2})
    assert (images, least, alone) == (4, 100 + 50, False)
    assert least < makespan - IMAGE_S < least + 30


def test_one_cell_that_fails_is_a_bound_for_any_number_of_workers():
    work = [Work("debian13", "amd64", 100.0, (0.5, 0.25)), Work("debian13", "amd64", 10.0)]
    assert bound(work, {AMD: 9, ARM: 1}) == (175 + 2 * BACKOFF_S, True)
    assert simulated(work, {AMD: 1, ARM: 1}, WAYS["farm"])[0] >= bound(work, {AMD: 1, ARM: 1})[0] == 185


def test_there_are_as_many_workers_as_the_page_says_and_one_builds_for_both_arches():
    assert [sum(simulate.crew(count).values()) for count in WORKERS] == list(WORKERS)
    assert all(sorted(arch for able in simulate.crew(count) for arch in able) == ["amd64", "arm64"] for count in WORKERS)
    work = [Work("debian13", arch, 10.0) for arch in ARCHES for _ in range(3)]
    assert simulated(work, simulate.crew(1), WAYS["farm"]) == (60 + 2 * IMAGE_S, 2)


def test_estimates_are_the_farms():
    costs = load_facts().costs
    cells = simulate.planned(100, random.Random(1))
    assert {(each.options.optimize, each.seconds) for each in cells} == {
        ("none", costs["none"].seconds),
        ("pgo+lto", costs["pgo-lto"].seconds),
    }
    assert len({each.cell for each in cells}) == 100


def test_times_are_those_of_the_arch_where_it_has_any(tmp_path, monkeypatch):
    line = "| 3.13.5-debian13-{} | 2026-11-29 | 2026112901 | {} | 3.5.9 | 18.8 MiB | {} | 1:00 | none |\n"
    told = [("amd64", "none", "0:10"), ("amd64-debug", "pgo+lto", "0:20"), ("arm64", "none", "0:30")]
    (tmp_path / "matrix.md").write_text("".join(line.format(*each) for each in told))
    monkeypatch.setattr(simulate, "MATRIX", tmp_path / "matrix.md")
    assert simulate.seen() == {"amd64": {"none": [70.0], "pgo+lto": [80.0]}, "arm64": {"none": [90.0]}}
    cells = simulate.planned(100, random.Random(1))
    work = simulate.drawn(cells, simulate.seen(), random.Random(1))
    assert {(each.arch, one.options.optimize, each.seconds) for each, one in zip(work, cells, strict=True)} == {
        ("amd64", "none", 70.0),
        ("amd64", "pgo+lto", 80.0),
        ("arm64", "none", 90.0),
        ("arm64", "pgo+lto", 80.0),
    }
    assert 0 < sum(len(each.fails) for each in work) < 20


def test_the_farm_of_the_simulation_has_the_farms_window():
    assert WAYS["farm"] == Way(simulate.longest_first, window=Tempo.window, apart=True, distros=True, stays=False)


def told(**others):
    row = {"workers": 3, "bound_hours": 1.5, "bound_of_one_cell": 0}
    row["by_bound"] = {"farm": 1.02, "images": 1.5, "matrix": 1.02}
    row["by_farm"] = {"farm": 1.0, "images": 1.471, "matrix": 1.0}
    row["images_made"] = {"farm": 10, "images": 5, "matrix": 10}
    drawn = {"amd64": {"none": 28, "pgo+lto": 4}, "arm64": {"none": 5}}
    return {"cells": 10, "rounds": 5, "rows": [row | others], "builds_drawn_from": drawn, "fails": 0.03, "image_seconds": 110.0}


def said(**others):
    return "\n".join(map(str, simulation(told(**others))))


def test_the_page_tells_how_many_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    (tmp_path / "simulation.json").write_text(json.dumps(told()))
    assert "the longest cells first, with any number waiting" in page.text()
    (tmp_path / "simulation.json").write_text(json.dumps({**told(), "window": 8}))
    assert "the longest cells first, with at most 8 waiting" in page.text()
    assert "| 3 | 1.5 | 1.02 | 1.5 | 1.02 |" in page.text()
    assert "28 of amd64 with none, 4 of amd64 with pgo+lto, 5 of arm64 with none: arm64 has none with pgo+lto" in page.text()


def test_the_page_says_of_grouping_what_the_rows_show():
    assert "makes 50% of the images of `farm` at best, with 3 workers." in said()
    assert "slower than those of `farm` with 3 workers, by 47.1% at most." in said()
    assert "| `images` | 1.471 to 1.471 | 0.500 to 0.500 | none | 3 |" in said()
    better = said(by_farm={"farm": 1.0, "images": 0.9, "matrix": 1.0})
    assert "quicker than those of `farm` with 3 workers, by 10.0% at most." in better
    assert "slower than those" not in better
    same = said(by_farm=dict.fromkeys(WAYS, 1.01), images_made=dict.fromkeys(WAYS, 10))
    assert "`images` saves none of the images of `farm`. Its runs are as quick as those of `farm`" in same


def test_the_page_says_why_only_of_what_the_rows_show():
    assert "matrix's order is slower" not in said()
    assert "With 3 workers the matrix's order is slower" in said(by_farm={"farm": 1.0, "images": 1.0, "matrix": 1.1})
    assert "a single cell take" not in said(bound_of_one_cell=2)
    assert "With 3 workers (in 3 of 5 rounds) the bound is what the attempts of a single cell take" in said(bound_of_one_cell=3)
