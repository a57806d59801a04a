"""What a crash at any point of publishing leaves behind, and what comes of others who write at the same time."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from farm.errors import Conflict, FarmError, StoreUnavailable
from farm.index import reading
from farm.plan.cell import Cell
from farm.publish.publisher import publish
from farm.store import catalog, keys
from tests.fakes import FailingStore, MemoryStore
from tests.publish.reader import check_promises
from tests.publish.staging import FOLDER, STEM, inputs, now, order, published, stage


def failing_at_every_operation():
    """Where publishing can fail: how many operations a whole publication takes."""
    probe = FailingStore({}, at=10**6)
    published(probe)
    return probe.operations


@pytest.mark.parametrize("after", [False, True], ids=["not-done", "answer-lost"])
@pytest.mark.parametrize("retry", ["same attempt", "other bytes", "other clock"])
def test_a_crash_at_any_operation_is_repaired_by_a_second_call(after, retry):
    of = order()
    start = MemoryStore()
    staged = stage(start, of)
    total = failing_at_every_operation()
    assert total > 25
    for at in range(1, total + 1):
        store = FailingStore(start.objects, at=at, after=after)
        with contextlib.suppress(StoreUnavailable, Conflict):
            publish(store, staged, of, clock=now)
        check_promises(store)
        store.healed = True
        second, again, clock = of, staged, now
        if retry == "other bytes":  # a new attempt, whose PGO build came out differently
            second = replace(of, attempt=2)
            again = stage(store, second, mark=b"not the same")
        elif retry == "other clock":
            clock = lambda: now() + timedelta(days=1)  # noqa: E731
        artifact = publish(store, again, second, clock=clock)
        check_promises(store)
        assert [build.build_id for build in catalog.published(store)] == [artifact.build_id], at
        assert [entry.build_id for entry in reading.entries(store, "dev", "debian13")] == [artifact.build_id], at
        settled = dict(store.objects)
        assert publish(store, again, second, clock=clock) == artifact
        assert store.objects == settled, at


def test_many_publishers_lose_nothing_of_a_channel():
    store = MemoryStore()
    cells = [Cell.parse(f"3.{minor}.{patch}-debian13-amd64") for minor in (12, 13) for patch in range(6)]
    orders = [order(cell) for cell in cells]
    staged = [stage(store, of) for of in orders]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pair: publish(store, pair[0], pair[1], clock=now), zip(staged, orders, strict=True)))
    check_promises(store)
    assert {entry.cell for entry in reading.entries(store, "dev", "debian13")} == {str(cell) for cell in cells}
    assert len(json.loads(store.objects[keys.uv_index("dev", "debian13")])) == 12
    pointer = json.loads(store.objects[keys.channel_pointer("dev")])
    assert pointer["serial"] == 12


def test_two_recipes_of_a_cell_at_once_get_two_ids():
    store = MemoryStore()
    orders = [order(inputs=inputs(str(number)), run=f"20261122-153000-{number:06}") for number in range(8)]
    staged = [stage(store, of, mark=of.inputs.encode()) for of in orders]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda pair: publish(store, pair[0], pair[1], clock=now), zip(staged, orders, strict=True)))
    assert len({artifact.build_id for artifact in made}) == 8


def test_a_store_that_loses_bytes_gets_no_catalog_entry():
    class Forgetful(MemoryStore):
        def put(self, key, data, **condition):
            etag = super().put(key, data, **condition)
            if key.startswith("artifacts/") and key.endswith(".tar.gz"):
                self.objects[key] = self.objects[key][:-1]
            return etag

    store = Forgetful()
    with pytest.raises(StoreUnavailable, match=r"install_only\.tar\.gz was written .* does not come back with its"):
        published(store)
    assert not list(store.list("catalog/"))
    assert not list(store.list("channels/"))


def test_a_publisher_that_was_overtaken_does_not_publish():
    of = order()
    key = keys.claim(of.cell, of.recipe.digest, of.inputs)

    class Overtaken(MemoryStore):
        def put(self, at, data, **condition):
            etag = super().put(at, data, **condition)
            if at.endswith(".json") and at.startswith("artifacts/"):
                super().put(key, b'{"build_id": "2026112299", "content": "theirs"}')
            return etag

    store = Overtaken()
    with pytest.raises(Conflict, match="took over"):
        published(store, of)
    assert not list(store.list("catalog/"))


def test_bytes_of_somebody_else_are_never_overwritten():
    store = MemoryStore()
    of = order()
    staged = stage(store, of)
    theirs = f"{FOLDER}/{STEM}-install_only.tar.gz"
    store.put(theirs, b"theirs")
    with pytest.raises(FarmError, match="with other bytes"):
        publish(store, staged, of, clock=now)
    assert not list(store.list("catalog/"))
    assert publish(store, staged, of, clock=now).build_id == "2026112202", "they do not keep the cell from being published"
    assert store.objects[theirs] == b"theirs"
