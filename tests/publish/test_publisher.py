"""Publishing: what a staged attempt becomes, and in which channels it is offered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from farm.errors import BadInput
from farm.index import reading
from farm.plan.cell import Cell
from farm.publish.publisher import offer_again, publish
from farm.store import catalog, keys
from farm.store.artifact import Artifact
from tests.fakes import MemoryStore
from tests.publish.reader import check_promises
from tests.publish.staging import BASE, CELL, FOLDER, STEM, inputs, now, order, published, recipe, stage


def test_what_was_cross_compiled_is_published_as_such():
    assert published(MemoryStore(), order(inputs=inputs(how="cross"))).build.built == "cross"


def test_a_staged_attempt_becomes_an_artifact():
    store = MemoryStore()
    artifact = published(store)
    assert artifact.build_id == "2026112201"
    assert artifact.created == "2026-11-22T15:30:00Z"
    assert sorted(key.removeprefix(f"{FOLDER}/{STEM}") for key in store.objects if key.startswith("artifacts/")) == sorted(
        [
            "-install_only.tar.gz",
            "-install_only.tar.zst",
            "-debugsymbols.tar.zst",
            "-install_only.tar.gz.sha256",
            "-install_only.tar.zst.sha256",
            "-debugsymbols.tar.zst.sha256",
            ".json",
            ".spdx.json",
        ]
    )
    assert Artifact.model_validate_json(store.objects[f"{FOLDER}/{STEM}.json"]) == artifact
    assert catalog.artifact(store, catalog.newest(store, CELL)) == artifact
    check_promises(store)
    downloads = json.loads(store.objects[keys.uv_index("dev", "debian13")])
    assert downloads["cpython-3.13.5-linux-x86_64-gnu"]["url"] == f"{BASE}/{FOLDER}/{STEM}-install_only.tar.zst"


def test_a_variant_has_names_of_its_own():
    store = MemoryStore()
    cell = Cell.parse("3.14.0-debian13-amd64-freethreaded")
    published(store, order(cell))
    names = [key.rpartition("/")[2] for key in store.objects if key.startswith("artifacts/")]
    stem = "cpython-3.14.0-x86_64-unknown-linux-gnu-debian13.2026112201-freethreaded"
    assert f"{stem}.json" in names
    assert f"{stem}-install_only.tar.gz" in names


def test_a_series_that_calls_its_commands_otherwise_is_published_too():
    layout = replace(recipe().layout, names=("python", "python2", "pip", "pip2"))
    published(MemoryStore(), order(recipe=replace(recipe(), layout=layout)))


def test_publishing_twice_gives_one_artifact():
    store = MemoryStore()
    first = published(store)
    before = dict(store.objects)
    assert published(store) == first
    assert store.objects == before


def test_a_rebuild_has_a_higher_id_even_when_the_clock_went_back():
    store = MemoryStore()
    published(store)
    of = order(inputs=inputs("15"))
    staged = stage(store, of, mark=b"newer libraries")
    artifact = publish(store, staged, of, clock=lambda: now() - timedelta(days=400))
    assert artifact.build_id == "2026112202"
    assert catalog.newest(store, CELL).build_id == "2026112202"
    assert "2026112202" in store.objects[keys.uv_index("dev", "debian13")].decode()
    assert "2026112201" not in store.objects[keys.sums("dev", "debian13")].decode()
    assert len(reading.entries(store, "dev", "debian13")) == 2


def test_a_published_build_is_offered_in_another_channel_without_new_bytes():
    store = MemoryStore()
    made = recipe(optimize="pgo")
    first = published(store, order(recipe=made))
    archives = {key for key in store.objects if key.startswith("artifacts/")}
    again = published(store, order(recipe=made, channel="stable", attempt=2))
    assert (again.build_id, again.channel) == (first.build_id, "stable")
    assert {key for key in store.objects if key.startswith("artifacts/")} == archives
    assert [build.channel for build in catalog.published(store)] == ["dev", "stable"]
    assert reading.entries(store, "stable", "debian13") == reading.entries(store, "dev", "debian13")


def test_an_unoptimized_build_only_goes_to_dev():
    store = MemoryStore()
    of = order(channel="stable")
    with pytest.raises(BadInput, match="may not go to the channel 'stable'"):
        publish(store, stage(store, of), of, clock=now)


def test_what_uv_cannot_read_is_not_in_its_index():
    store = MemoryStore()
    published(store, order(Cell.parse("2.7.18-debian13-amd64"), uv=False))
    assert json.loads(store.objects[keys.uv_index("dev", "debian13")]) == {}
    assert "2.7.18" in store.objects[keys.sums("dev", "debian13")].decode()


def test_a_build_whose_publisher_died_before_the_index_is_listed_later():
    store = MemoryStore()
    of = order()
    published(store, of)
    for key in [key for key in store.objects if key.startswith("channels/")]:
        store.delete(key)
    assert offer_again(store, of, clock=now)
    assert [entry.build_id for entry in reading.entries(store, "dev", "debian13")] == ["2026112201"]
    check_promises(store)


def test_a_build_is_offered_in_another_channel_without_being_built_again():
    store = MemoryStore()
    made = replace(recipe(), optimize="pgo+lto")
    published(store, order(recipe=made, channel="testing"))
    again = offer_again(store, order(recipe=made, channel="stable"), clock=now)
    assert (again.channel, again.build_id) == ("stable", "2026112201")
    assert [entry.build_id for entry in reading.entries(store, "stable", "debian13")] == ["2026112201"]
    check_promises(store)


def test_a_build_without_optimisation_is_offered_in_dev_only():
    store = MemoryStore()
    published(store)
    with pytest.raises(BadInput, match="may not go to the channel 'stable'"):
        offer_again(store, order(channel="stable"), clock=now)


def test_nothing_is_offered_that_was_not_published():
    assert offer_again(MemoryStore(), order(), clock=now) is None
