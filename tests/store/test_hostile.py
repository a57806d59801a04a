"""S3 over a server that misbehaves: what passes is survived, what does not is said, and no wrong byte is taken for right."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from tenacity import wait_none

from farm.errors import BadInput, Conflict, StoreUnavailable
from farm.store import parts, run_keys, s3, single
from farm.store.s3 import S3Store
from farm.store.single import PublisherLock, SinglePublisherStore
from tests.fakes import MemoryStore
from tests.hostile_s3 import BUCKET, HostileS3

MIB = 1 << 20
CONDITIONS = {"if-none-match", "if-match"}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(s3, "_READ_S", 0.25)
    monkeypatch.setattr(parts.Parts, "wait", wait_none())
    with HostileS3().running() as running:
        yield running


def store_of(server, kind=S3Store, **options):
    return kind(BUCKET, "", server.settings, multipart_bytes=2 * MIB, part_bytes=MIB, **options)


@pytest.fixture
def quick(monkeypatch):
    """botocore waits between its tries; not here."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)


def test_it_keeps_its_promises_until_it_is_told_not_to(server, tmp_path):
    store = store_of(server)
    etag = store.put("a/b", b"one", if_absent=True)
    with pytest.raises(Conflict):
        store.put("a/b", b"two", if_absent=True)
    assert store.put("a/b", b"two", if_match=etag)
    with pytest.raises(Conflict):
        store.put("a/b", b"three", if_match=etag)
    (tmp_path / "big").write_bytes(os.urandom(5 * MIB // 2))
    store.put("big", tmp_path / "big", if_absent=True)
    assert store.fetch("big", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "big").read_bytes()
    assert [stat.key for stat in store.list("")] == ["a/b", "big", "layout"]


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.usefixtures("quick")
def test_a_server_error_that_passes_is_survived(server, status, method):
    store = store_of(server)
    store.put("a", b"one")
    server.manners.only, server.manners.fails = method, [status] * 3
    store.put("b", b"two", if_absent=True)
    assert store.get("b")[0] == b"two"


@pytest.mark.usefixtures("quick")
def test_a_server_error_that_stays_is_said(server):
    store = store_of(server)
    store.put("a", b"one")
    server.manners.fails = [503] * 99
    with pytest.raises(StoreUnavailable, match="refused to read a"):
        store.get("a")


@pytest.mark.usefixtures("quick")
def test_a_lost_answer_of_a_creation_is_a_conflict_and_the_bytes_are_there(server):
    store = store_of(server)
    store.put("warm", b"")
    server.manners.only, server.manners.fails_after = "PUT", [500]
    with pytest.raises(Conflict):
        store.put("a", b"one", if_absent=True)
    assert store.get("a")[0] == b"one"


@pytest.mark.usefixtures("quick")
def test_a_truncated_answer_is_read_again(server, tmp_path):
    store = store_of(server)
    store.put("a", b"0123456789")
    server.manners.only, server.manners.truncates = "GET", [4, 0]
    assert store.get("a")[0] == b"0123456789"
    server.manners.truncates = [4, 5]
    assert store.fetch("a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"0123456789"
    server.manners.truncates = [4] * 99
    with pytest.raises(StoreUnavailable):
        store.get("a")
    with pytest.raises(StoreUnavailable):
        store.fetch("a", tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


@pytest.mark.usefixtures("quick")
def test_a_stall_is_waited_out_and_one_without_end_is_said(server):
    store = store_of(server)
    store.put("a", b"one")
    server.manners.only, server.manners.stalls = "GET", [1.0]
    assert store.get("a")[0] == b"one"
    server.manners.stalls = [0.6] * 99
    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.get("a")


def test_a_clock_that_is_off_is_named(server):
    store = store_of(server)
    server.manners.skewed = True
    with pytest.raises(StoreUnavailable) as caught:
        store.get("a")
    assert "clock" in caught.value.hint


def sent_parts(server):
    return [path for method, path in server.seen if method == "PUT" and "partNumber" in path]


@pytest.mark.usefixtures("quick")
def test_each_part_is_tried_again_for_itself(server):
    store = store_of(server)
    store.put("warm", b"")
    server.manners.only, server.manners.fails = "PUT", [503] * 8  # more than botocore's own tries of one part
    data = os.urandom(3 * MIB)
    store.put("big", data, if_absent=True)
    assert server.objects["big"] == data
    assert len(sent_parts(server)) == 3 + 8
    assert server.uploads == {}


@pytest.mark.usefixtures("quick")
def test_an_upload_that_was_cut_off_is_gone_on_with(server):
    store = store_of(server)
    store.put("warm", b"")
    data = os.urandom(3 * MIB)
    whole = store._client.upload_part

    def until_the_last(**args):
        if args["PartNumber"] == 3:
            server.manners.fails = [503] * 999
        return whole(**args)

    store._client.upload_part = until_the_last
    with pytest.raises(StoreUnavailable):
        store.put("big", data, if_absent=True)
    assert "big" not in server.objects
    server.manners.fails, store._client.upload_part = [], whole
    server.seen.clear()
    store.put("big", data, if_absent=True)
    assert server.objects["big"] == data
    assert len(sent_parts(server)) == 1, "the parts that were there are not sent again"
    assert server.uploads == {}


@pytest.mark.usefixtures("quick")
def test_an_upload_of_other_bytes_is_not_gone_on_with(server):
    store = store_of(server)
    store.put("warm", b"")
    first = store._client.create_multipart_upload(Bucket=BUCKET, Key="big")["UploadId"]
    store._client.upload_part(Bucket=BUCKET, Key="big", UploadId=first, PartNumber=1, Body=b"x" * MIB)
    data = os.urandom(3 * MIB)
    store.put("big", data)
    assert server.objects["big"] == data
    assert list(server.uploads) == [first]
    assert store.drop_unfinished("", datetime(2025, 1, 1, tzinfo=UTC)) == 0
    assert store.drop_unfinished("", datetime.now(UTC)) == 1
    assert server.uploads == {}


@pytest.mark.parametrize("ignored", [{"if-none-match"}, {"if-match"}, CONDITIONS])
def test_a_server_that_ignores_conditions_is_refused_before_anything_is_written(server, ignored):
    server.manners.ignores = ignored
    store = store_of(server)
    with pytest.raises(BadInput, match="ignores If-") as caught:
        store.put("a", b"x")
    assert "FARM_SINGLE_PUBLISHER" in caught.value.hint
    assert set(server.objects) <= {"layout"}


def test_with_a_single_publisher_conditions_hold_where_the_server_ignores_them(server, monkeypatch):
    monkeypatch.setattr(single, "_IDLE_S", 0.2)
    server.manners.ignores = CONDITIONS
    stores = [store_of(server, SinglePublisherStore) for _ in range(2)]  # as if in three processes
    stores[0].put("counter", b"0")

    def create(store):
        try:
            store.put("race", store._lock._name.encode(), if_absent=True)
        except Conflict:
            return False
        return True

    def increment(store):
        for _ in range(4):
            while True:
                data, etag = store.get("counter")
                try:
                    store.put("counter", b"%d" % (int(data) + 1), if_match=etag)
                    break
                except Conflict:
                    continue

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(create, stores * 2)) == 1
        list(pool.map(increment, stores * 2))
    assert server.objects["counter"] == b"16"
    deadline = time.monotonic() + 20
    while any(key.startswith(run_keys.tickets()) for key in server.objects):
        assert time.monotonic() < deadline, "a ticket is kept although nothing is written"
        time.sleep(0.1)


def test_a_second_publisher_waits_and_then_says_who_holds_the_lock():
    store = MemoryStore()
    first, second = PublisherLock(store, lease_s=60), PublisherLock(store, lease_s=60, patience_s=0.3)
    with first.held(), pytest.raises(StoreUnavailable, match="one publisher") as caught, second.held():
        pass
    assert first._name in caught.value.message
    assert list(store.objects) == [run_keys.ticket(first._name)]


def test_the_ticket_of_a_dead_process_is_worth_nothing_after_a_lease():
    store = MemoryStore()
    store.put(run_keys.ticket("dead.1"), b"x")
    lock = PublisherLock(store, lease_s=0.5, patience_s=20)
    began = time.monotonic()
    with lock.held():
        assert time.monotonic() - began > 0.5
    assert run_keys.ticket("dead.1") not in store.objects


def test_a_long_write_keeps_the_lock_and_one_that_lost_it_says_so(monkeypatch):
    monkeypatch.setattr(single, "_IDLE_S", 0.1)
    store = MemoryStore()
    lock = PublisherLock(store, lease_s=1.0)
    with lock.held():
        time.sleep(1.5)
    gone = threading.Event()
    whole = store.put

    def put(key, data, **conditions):
        if gone.is_set():
            raise StoreUnavailable("away")
        return whole(key, data, **conditions)

    store.put = put

    def write_for_long():
        with lock.held():
            gone.set()
            time.sleep(1.0)

    with pytest.raises(StoreUnavailable, match="was lost"):
        write_for_long()
