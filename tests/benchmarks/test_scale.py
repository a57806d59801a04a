"""The counting of `benchmarks.scale`: what is asked of a store, at sizes that take a second."""

import functools
import time
from concurrent.futures import ProcessPoolExecutor

from benchmarks import publishing
from benchmarks.publishing import Counting, published, publishers
from benchmarks.scale import requested
from benchmarks.sections.scale import scale


def test_every_request_is_counted_and_what_opening_asks_is_not(tmp_path):
    store = Counting(tmp_path)
    store.put("runs/a", b"123")
    store.get("runs/a")
    list(store.list("runs/"))
    store.stat("runs/a")
    store.fetch("runs/a", tmp_path / "a")
    store.delete("runs/a")
    assert store.requests == {"put": 1, "get": 1, "list": 1, "stat": 1, "fetch": 1, "delete": 1}
    assert (store.bytes_read, store.bytes_written) == (3, 3)


def test_a_plan_fetches_nothing_for_a_cell():
    assert requested(24) == requested(96)


def test_publishing_asks_as_much_of_a_channel_of_ten_as_of_twenty_builds():
    few, many = published(10), published(20)
    assert few["requests"] == many["requests"]


def test_several_publishers_list_all_that_they_published(monkeypatch):
    monkeypatch.setattr(publishing, "ARTIFACTS", 60)
    monkeypatch.setattr(publishing, "EACH", 2)
    assert publishers(2)["requests"] > 0


def test_the_clock_of_several_publishers_begins_when_all_of_them_are_there(monkeypatch):
    monkeypatch.setattr(publishing, "ARTIFACTS", 60)
    monkeypatch.setattr(publishing, "EACH", 1)
    slow = functools.partial(ProcessPoolExecutor, initializer=time.sleep, initargs=(4,))
    monkeypatch.setattr(publishing, "ProcessPoolExecutor", slow)
    assert publishers(2)["wall_s"] < 2  # of each of two builds, which take a tenth of a second


def test_medians_are_called_medians_and_means_means():
    one = {"cpu_s": 0.02, "read_kib": 1.0, "written_kib": 1.0, "requests": 60.0, "wall_s": 0.1}
    render = {"again_s": 1.0, "again_cpu_s": 1.0, "first_cpu_s": 1.0, "first_kernel_s": 1.0, "first_s": 1.0}
    found = {"plan": {"100": {"cpu_s": 0.5, "wall_s": 1.0, "mib": 40.0}}, "publish": {"100": one}, "publishers": {"1": one}}
    found["render"] = {"1000": {**render, "catalog_kib": 1, "index_kib": 2}}
    text = "\n".join(map(str, scale(found)))
    assert "by five rebuilds: CPU seconds are their median, KiB and requests their mean." in text
    assert "CPU seconds are the median of builds, requests their mean." in text
