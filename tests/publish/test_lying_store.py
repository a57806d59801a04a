"""Publishing over a store that loses bytes or shows old listings: nothing wrong is promised, nothing is published twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.errors import Conflict, StoreUnavailable, Transient
from farm.publish.publisher import publish
from farm.store import catalog, run_keys
from tests.fakes import MemoryStore
from tests.publish.reader import check_promises
from tests.publish.staging import now, order, stage


class Damaging(MemoryStore):
    """Keeps the size of an object, and changes its bytes, once."""

    damaged = ""

    def __init__(self, suffix):
        super().__init__()
        self.suffix = suffix

    def put(self, key, data, **condition):
        etag = super().put(key, data, **condition)
        if not self.damaged and key.startswith("artifacts/") and key.endswith(self.suffix):
            self.damaged = key
            self.objects[key] = self.objects[key][:-1] + b"?"
        return etag


@pytest.mark.parametrize("suffix", [".tar.zst", ".tar.gz.sha256", ".spdx.json"])
def test_what_the_store_damaged_is_found_and_published_under_another_build_id(suffix):
    store, of = Damaging(suffix), order()
    staged = stage(store, of)
    with pytest.raises(StoreUnavailable, match="the next try takes another build id"):
        publish(store, staged, of, clock=now)
    assert not list(store.list("catalog/"))
    publish(store, staged, of, clock=now)
    damaged = store.objects[store.damaged]
    assert damaged.endswith(b"?"), "what lies there is never overwritten, whoever wrote it"
    assert "/2026112201/" in store.damaged
    check_promises(store)
    assert [build.build_id for build in catalog.published(store)] == ["2026112202"]
    assert len(list(store.list("catalog/"))) == 1


class Growing(MemoryStore):
    """An object is a megabyte longer for who fetches it than its listing said."""

    def fetch(self, key, target, content=None):
        self.objects[key] += bytes(1 << 20)
        return super().fetch(key, target, content)


def test_an_archive_that_grew_since_it_was_listed_is_cut_off():
    store, of = Growing(), order()
    staged = stage(store, of)
    with pytest.raises(Transient, match="is longer than the"):
        publish(store, staged, of, clock=now)
    assert not [key for key in store.objects if key.startswith(("artifacts/", "catalog/"))]


class Old(MemoryStore):
    """Its listings stay what they were when `grow_old` was called."""

    shown = None

    def grow_old(self):
        self.shown = dict(self.objects)

    def list(self, prefix):
        if self.shown is None:
            return super().list(prefix)
        past = MemoryStore()
        past.objects = self.shown
        return past.list(prefix)


def test_an_attempt_that_was_overtaken_is_refused_although_the_listing_does_not_show_it():
    store, of = Old(), order()
    staged = stage(store, of)
    store.grow_old()
    store.put(run_keys.attempt(of.run, of.cell, 2), b"{}")
    with pytest.raises(Conflict, match="attempt 2 was granted after it"):
        publish(store, staged, of, clock=now)
    store.shown = None
    assert not list(store.list("catalog/"))


def test_what_was_staged_is_found_although_the_listing_does_not_show_it():
    store, of = Old(), order()
    store.grow_old()
    publish(store, stage(store, of), of, clock=now)
    store.shown = None
    check_promises(store)
    assert len(catalog.published(store)) == 1


def test_what_is_published_is_not_published_again_because_a_listing_is_old():
    store, of = Old(), order()
    staged = stage(store, of)
    second = replace(of, run="20261122-160000-ffffff")
    again = stage(store, second, mark=b"other bytes")
    store.grow_old()
    publish(store, staged, of, clock=now)
    with pytest.raises(StoreUnavailable, match="does not show it yet"):
        publish(store, again, second, clock=now)
    store.shown = None
    assert len(catalog.published(store)) == 1
    check_promises(store)
    assert publish(store, again, second, clock=now).build_id == "2026112201"
