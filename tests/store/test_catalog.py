"""What is published, from the names of keys alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import FarmError
from farm.plan.cell import Cell
from farm.plan.recipe import BaseImage, Inputs
from farm.store import catalog, keys, locks
from farm.store.headers import IMMUTABLE, MUTABLE, headers
from farm.store.keys import Published
from tests.fakes import MemoryStore

A = Cell.parse("3.13.5-debian13-amd64")
B = Cell.parse("3.13.10-debian13-amd64")
FREE = Cell.parse("3.13.5-debian13-amd64-freethreaded")


def store_with(*builds):
    store = MemoryStore()
    for cell, build_id, channel in builds:
        store.put(keys.published(cell, build_id, "a" * 64, "b" * 64, channel).key, b"{}")
    return store


def test_builds_are_ordered_by_version_and_not_by_letters():
    store = store_with(
        (B, "2026112201", "dev"), (A, "2026112202", "dev"), (FREE, "2026112201", "dev"), (A, "2026112201", "dev")
    )
    assert [(str(build.cell), build.build_id) for build in catalog.published(store)] == [
        (str(A), "2026112201"),
        (str(A), "2026112202"),
        (str(FREE), "2026112201"),
        (str(B), "2026112201"),
    ]


def test_the_newest_of_a_cell_and_channel():
    store = store_with(
        (A, "2026112201", "dev"), (A, "2026112202", "dev"), (A, "2026112201", "stable"), (FREE, "2026112209", "dev")
    )
    assert catalog.newest(store, A).build_id == "2026112202"
    assert catalog.newest(store, A, "stable").build_id == "2026112201"
    assert catalog.newest(store, A, "testing") is None
    assert catalog.newest(store, B) is None


def test_keys_that_are_no_builds_are_passed_over():
    store = store_with((A, "2026112201", "dev"))
    store.put("catalog/README", b"")
    store.put(f"catalog/{A}/notes.json", b"")
    assert len(catalog.published(store)) == 1


@given(st.sampled_from([A, B, FREE]), st.integers(10**9, 10**10 - 1), st.sampled_from(["dev", "stable"]))
def test_a_published_key_is_read_back(cell, number, channel):
    build = keys.published(cell, str(number), "a" * 64, "b" * 64, channel)
    assert Published.parse(build.key) == build
    assert keys.valid(build.key)


def test_metadata_that_cannot_be_read_names_the_key_and_the_field():
    store = store_with((A, "2026112201", "dev"))
    with pytest.raises(FarmError, match=r"catalog/3.13.5-debian13-amd64/2026112201.* cannot be read: .*at build_id"):
        catalog.artifact(store, catalog.newest(store, A))


def test_the_newest_inputs_of_a_distro_and_arch():
    store = MemoryStore()
    assert locks.newest_inputs(store, "debian13", "amd64") is None
    old, new = (
        Inputs(BaseImage("debian:13-slim", "pull", ("sha256:0",)), (("gcc", version), ("make", "4")))
        for version in ("13", "14")
    )
    locks.save_inputs(store, "debian13", "amd64", new, date="20261122")
    locks.save_inputs(store, "debian13", "amd64", old, date="20261121")
    locks.save_inputs(store, "debian13", "arm64", old, date="20261130")
    assert locks.newest_inputs(store, "debian13", "amd64") == new
    assert locks.newest_inputs(store, "debian13", "amd64").digest == new.digest
    store.put(keys.lock("debian13", "amd64", "20261123"), b"[]")
    with pytest.raises(FarmError, match=r"locks/debian13-amd64/20261123\.json"):
        locks.newest_inputs(store, "debian13", "amd64")


@pytest.mark.parametrize(
    ("key", "kind", "cache"),
    [
        ("artifacts/debian13/3.13.5/amd64/2026112201/x-install_only.tar.gz", "application/gzip", IMMUTABLE),
        ("artifacts/debian13/3.13.5/amd64/2026112201/x-install_only.tar.zst", "application/zstd", IMMUTABLE),
        ("artifacts/debian13/3.13.5/amd64/2026112201/x.json", "application/json", IMMUTABLE),
        ("artifacts/debian13/3.13.5/amd64/2026112201/x.tar.gz.sha256", "text/plain; charset=utf-8", IMMUTABLE),
        (keys.shard("dev", "debian13", "3.13", "0" * 64), "application/json", IMMUTABLE),
        (keys.channel_pointer("dev"), "application/json", MUTABLE),
        (keys.uv_index("dev", "debian13"), "application/json", MUTABLE),
        (keys.sums("dev", "debian13"), "text/plain; charset=utf-8", MUTABLE),
        ("staging/x/y", "application/octet-stream", MUTABLE),
    ],
)
def test_headers(key, kind, cache):
    assert (headers(key).content_type, headers(key).cache_control) == (kind, cache)
