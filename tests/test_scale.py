"""The counting of `benchmarks.scale`: what is asked of a store, at sizes that take a second."""

from benchmarks import publishing
from benchmarks.publishing import Counting, published, publishers
from benchmarks.scale import requested


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
