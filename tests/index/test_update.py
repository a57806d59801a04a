"""A channel that many publishers write to."""

from __future__ import annotations

import gzip
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from benchmarks import metadata, synthetic
from farm.errors import Conflict, FarmError, StoreUnavailable
from farm.export.table import FILES
from farm.index import reading, update
from farm.plan.cell import Cell
from farm.store import keys
from farm.store.folder import FolderStore
from tests.fakes import MemoryStore
from tests.index.test_render import BASE, entry, with_tar

CELLS = [f"3.{minor}.{patch}-{distro}-amd64" for distro in ("debian12", "debian13") for minor in (12, 13) for patch in range(4)]


def now() -> datetime:
    return datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


def add(store, cell, build_id="2026112201"):
    update.add(store, "dev", entry(cell, build_id), base_url=BASE, clock=now)


@pytest.fixture(params=["folder", "s3", "memory"])
def store(request, tmp_path):
    if request.param == "memory":
        return MemoryStore()
    return FolderStore(tmp_path) if request.param == "folder" else request.getfixturevalue("s3_server").store()


def test_nothing_is_lost_when_all_write_at_once(store):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda cell: add(store, cell), CELLS))
    pointer = json.loads(store.get(keys.channel_pointer("dev"))[0])
    assert pointer["serial"] == len(CELLS)
    assert [(ref["distro"], ref["series"]) for ref in pointer["shards"]] == [
        (distro, series) for distro in ("debian12", "debian13") for series in ("3.12", "3.13")
    ]
    for distro in ("debian12", "debian13"):
        assert {each.cell for each in reading.entries(store, "dev", distro)} == {cell for cell in CELLS if distro in cell}
        assert len(json.loads(store.get(keys.uv_index("dev", distro))[0])) == 8
        assert len(store.get(keys.sums("dev", distro))[0].splitlines()) == 16


def test_writing_all_files_anew_looks_at_the_registry_once(monkeypatch):
    """A listing for each of thousands of images costs their square in a folder, and round trips elsewhere."""
    store = MemoryStore()
    for cell in CELLS[:6]:
        made = with_tar(entry(cell, "2026112201"))
        for archive in made.archives:
            store.put(archive.key, b"bytes")
        update.add(store, "dev", made, base_url=BASE, clock=now)
    before, asked = dict(store.objects), []
    everything = store.list
    monkeypatch.setattr(store, "list", lambda prefix: (asked.append(prefix), everything(prefix))[1])
    update.rewrite(store, "dev", base_url=BASE)
    assert [prefix for prefix in asked if prefix.startswith("v2/")] == [keys.oci()]
    assert store.objects == before
    for key in [key for key in before if key.startswith(keys.oci())]:
        store.delete(key)
    update.rewrite(store, "dev", base_url=BASE)
    assert store.objects == before, "what the registry lacks is written again"


@pytest.mark.parametrize("part", ["/pyenv/", "/site/builds/"])
def test_where_all_files_are_written_several_are_at_once(monkeypatch, part):
    """Each waits for a disk, or for a server's answer: here the first ones wait for each other, or for ever."""
    store, together = MemoryStore(), threading.Barrier(4)
    for cell in CELLS:
        add(store, cell)
    for key in [key for key in store.objects if part in key]:
        store.delete(key)
    put, first = store.put, iter(range(4))

    def slow(key, data, **conditions):
        if part in key and next(first, None) is not None:
            together.wait(20)
        return put(key, data, **conditions)

    monkeypatch.setattr(store, "put", slow)
    update.rewrite(store, "dev", base_url=BASE)
    assert next(first, None) is None


@pytest.mark.parametrize("part", ["/pyenv/", "/site/builds/"])
def test_the_first_failure_is_raised_and_what_has_not_begun_is_given_up(monkeypatch, part):
    store, asked, made = MemoryStore(), [], synthetic.entries(400)
    synthetic.fill(store, "dev", made)
    for archive in [archive for each in made for archive in each.archives]:
        store.put(archive.key, b"archive")
    for each in made:
        update.write_image(store, each, frozenset())

    put = store.put

    def fail(key, data, **conditions):
        if part not in key:
            return put(key, data, **conditions)
        asked.append(key)
        time.sleep(0.01)
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(store, "put", fail)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        update.rewrite(store, "dev", base_url=BASE)
    assert 1 <= len(asked) < 100


def test_adding_twice_changes_nothing():
    store = MemoryStore()
    add(store, CELLS[0])
    before = dict(store.objects)
    add(store, CELLS[0])
    assert store.objects == before


def test_thousands_of_builds_with_all_that_real_ones_say_are_rendered_in_seconds():
    store, made = MemoryStore(), synthetic.entries(2500)  # benchmarks.scale has 5,000: here others may slow the cores down
    synthetic.fill(store, "stable", made)
    for each in made:
        store.put(each.metadata, metadata.rendered(each))
        for archive in each.archives:
            store.put(archive.key, b"archive")
        update.write_image(store, each, frozenset())  # as its publisher did
    began = os.times().user
    assert update.rewrite(store, "stable", base_url=BASE) > 1000
    assert os.times().user - began < 10
    site = [key for key in store.objects if key.startswith("channels/stable/site/")]
    builds = [key for key in site if key.endswith(".html") and "/builds/" in key]
    assert len(builds) == 2500
    assert all(b"The archive passed 52 checks" in store.objects[key] for key in builds)
    assert sum(b"gcc-14-base 14.2.0-19" in store.objects[key] for key in builds) == 400, "what changed since the build before"
    assert len(gzip.compress(b"".join(store.objects[key] for key in site if key.endswith(".js")))) < 1 << 20


def test_the_metadata_of_a_build_is_read_once_for_all_pages(monkeypatch):
    store, made = MemoryStore(), [synthetic.entry(Cell.parse(CELLS[0]), number) for number in range(4)]
    synthetic.fill(store, "stable", made)
    for each in made:
        store.put(each.metadata, metadata.rendered(each))
        store.put(next(a.key for a in each.archives if a.format == "tar.gz"), b"archive")
    asked, get = [], store.get
    monkeypatch.setattr(store, "get", lambda key: (asked.append(key), get(key))[1])
    update.rewrite(store, "stable", base_url=BASE)
    assert [asked.count(each.metadata) for each in made] == [1, 1, 1, 1]


class CountingStore(MemoryStore):
    def __init__(self):
        super().__init__()
        self.reads = 0

    def get(self, key):
        self.reads += 1
        return super().get(key)

    def list(self, prefix):
        assert prefix.startswith("artifacts/"), "an update must not list what was ever published"
        assert len(prefix.split("/")) == 6, "only the folder of one build"
        return iter(())


def test_the_cost_is_that_of_one_distro_however_much_is_published():
    store = CountingStore()
    add(store, "3.13.0-debian12-amd64")
    for number in range(40):
        add(store, f"3.13.{number}-debian13-amd64")
    store.reads = 0
    add(store, "3.13.1-debian12-amd64")
    assert store.reads <= len(FILES) + 26


def test_the_shard_is_there_before_the_pointer_names_it():
    written = []

    class Watching(MemoryStore):
        def put(self, key, data, **condition):
            written.append(key)
            return super().put(key, data, **condition)

    add(Watching(), CELLS[0])
    kinds = [key.split("/")[2] for key in written if "/" in key]
    assert kinds[:2] == ["shards", "index.json"]
    # and looked at once more, for who collects garbage
    assert set(kinds[2:]) == {
        "shards",
        "uv",
        "debian12",
        "mise",
        "hatch",
        "pyenv",
        "bazel",
        "pants",
        "paketo",
        "manifests",
        "site",
    }


def test_what_a_tag_names_is_there_before_the_tag():
    written = []

    class Watching(MemoryStore):
        def put(self, key, data, **condition):
            written.append(key)
            return super().put(key, data, **condition)

    store = Watching()
    made = with_tar(entry(CELLS[0]))
    store.objects[made.archives[0].key] = b"archive"
    update.add(store, "stable", made, base_url=BASE, clock=now)
    registry = [key.removeprefix("v2/python/") for key in written if key.startswith("v2/")]
    tags = [at for at, key in enumerate(registry) if "sha256:" not in key]
    assert [key.split("/")[0] for key in registry[:3]] == ["blobs", "blobs", "manifests"]
    assert [registry[at] for at in tags] == ["manifests/3.12.0-debian12", "manifests/3.12-debian12"]
    for at in tags:
        index = json.loads(store.objects[f"v2/python/{registry[at]}"])
        assert f"manifests/{index['manifests'][0]['digest']}" in registry[:at]
    assert store.objects[f"v2/python/blobs/sha256:{made.archives[0].sha256}"] == b"archive"


def test_a_build_whose_archive_is_gone_gets_no_tag():
    store = MemoryStore()
    with pytest.raises(FarmError, match="is missing"):
        update.add(store, "stable", with_tar(entry(CELLS[0])), base_url=BASE, clock=now)
    assert not [key for key in store.objects if key.startswith("v2/")]


def test_a_store_that_always_conflicts_is_given_up(monkeypatch):
    class Contended(MemoryStore):
        def put(self, key, data, **condition):
            raise Conflict("always")

    monkeypatch.setattr(update, "_LONGEST_WAIT_S", 0)
    with pytest.raises(StoreUnavailable, match="change too often"):
        add(Contended(), CELLS[0])


def test_a_lost_shard_is_said_and_not_written_over():
    store = MemoryStore()
    add(store, CELLS[0])
    shard = next(key for key in store.objects if "/shards/" in key)
    store.delete(shard)
    with pytest.raises(FarmError, match="is missing"):
        add(store, CELLS[1])
