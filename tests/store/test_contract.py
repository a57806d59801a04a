"""What every store promises, asked of all of them: folder, S3 (a real server) and the fake that other tests trust."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import BadInput, Conflict
from farm.store import keys
from farm.store.folder import FolderStore
from farm.store.upload import upload
from tests.fakes import MemoryStore

MIB = 1 << 20


@pytest.fixture(params=["folder", "s3", "memory"])
def store(request, tmp_path):
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    if request.param == "memory":
        return MemoryStore()
    return request.getfixturevalue("s3_server").store(multipart_bytes=6 * MIB, part_bytes=5 * MIB)


@pytest.fixture(params=["folder", "s3"])
def real(request, tmp_path):
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    return request.getfixturevalue("s3_server").store(multipart_bytes=6 * MIB, part_bytes=5 * MIB)


def listed(store, prefix):
    return [stat.key for stat in store.list(prefix)]


def test_what_is_put_is_got(store):
    etag = store.put("a/b.json", b"one")
    assert store.get("a/b.json") == (b"one", etag)
    assert store.put("a/b.json", b"two") != etag
    assert store.get("a/b.json")[0] == b"two"


def test_absence_is_a_value(store, tmp_path):
    assert store.get("no/such") is None
    assert store.fetch("no/such", tmp_path / "file") is False
    assert not (tmp_path / "file").exists()
    assert store.stat("no/such") is None
    assert listed(store, "no/") == []
    store.delete("no/such")


def test_a_listing_tells_when_an_object_was_written(real):
    before = time.time()
    real.put("a/b", b"1")
    (listed_stat,), stat = real.list("a/"), real.stat("a/b")
    for modified in (listed_stat.modified, stat.modified):
        assert before - 2 < modified < time.time() + 2  # S3 tells whole seconds


def test_an_empty_object(store, tmp_path):
    store.put("empty", b"")
    assert store.get("empty")[0] == b""
    assert store.fetch("empty", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b""


def test_a_path_is_stored_and_fetched(store, tmp_path):
    (tmp_path / "in").write_bytes(os.urandom(3 * MIB))
    store.put("big/one.tar.gz", tmp_path / "in")
    assert store.fetch("big/one.tar.gz", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "in").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["in", "out"]


def test_if_absent_writes_once(store):
    store.put("once", b"first", if_absent=True)
    with pytest.raises(Conflict):
        store.put("once", b"second", if_absent=True)
    assert store.get("once")[0] == b"first"


def test_if_match_needs_the_etag_that_stands(store):
    old = store.put("pointer", b"1")
    new = store.put("pointer", b"2", if_match=old)
    with pytest.raises(Conflict):
        store.put("pointer", b"3", if_match=old)
    with pytest.raises(Conflict):
        store.put("absent", b"3", if_match=new)
    assert store.get("pointer") == (b"2", new)
    assert store.get("absent") is None


def test_delete(store):
    store.put("gone", b"x")
    store.delete("gone")
    assert store.get("gone") is None
    store.put("gone", b"again", if_absent=True)


def test_list_gives_keys_in_order_with_sizes_and_etags(store):
    names = ["p/a/b", "p/a-b", "p/a.b", "p/a0", "p/B", "q"]
    etags = {name: store.put(name, name.encode()) for name in names}
    found = list(store.list("p/"))
    assert [stat.key for stat in found] == sorted(names[:-1])
    assert all(stat.size == len(stat.key) and stat.etag == etags[stat.key] for stat in found)
    assert listed(store, "p/a") == ["p/a-b", "p/a.b", "p/a/b", "p/a0"]
    assert listed(store, "p/a/") == ["p/a/b"]


def test_read_a_part_of_what_was_seen(store):
    store.put("part", b"0123456789")
    stat = store.stat("part")
    assert (stat.size, stat.etag) == (10, store.get("part")[1])
    assert b"".join(store.read(stat, 2, 5)) == b"234"
    assert b"".join(store.read(stat, 0, 10)) == b"0123456789"
    store.put("part", b"abcdefghij")
    with pytest.raises(Conflict):
        b"".join(store.read(stat, 0, 10))
    store.delete("part")
    with pytest.raises(Conflict):
        b"".join(store.read(stat, 0, 10))


@pytest.mark.parametrize("key", ["", "/etc/passwd", "a//b", "../a", "a/../b", "a/.", "a b", "a+b", "ä", "a\\b", "a\n", "a/"])
def test_what_is_no_key_is_refused(real, key):
    for act in (
        real.get,
        real.delete,
        real.stat,
        lambda key: real.put(key, b""),
        lambda key: real.upload_url(key, expires_s=9),
    ):
        with pytest.raises(BadInput):
            act(key)


@given(st.text(alphabet="./a-_ \n", max_size=12))
def test_a_valid_key_stays_inside(text):
    if keys.valid(text):
        assert os.path.normpath(f"/root/{text}") == f"/root/{text}"


def test_of_sixteen_that_create_one_wins(store):
    def create(number):
        try:
            store.put("race", f"{number}".encode(), if_absent=True)
        except Conflict:
            return None
        return number

    store.put("warm", b"")
    with ThreadPoolExecutor(16) as pool:
        winners = [number for number in pool.map(create, range(16)) if number is not None]
    assert len(winners) == 1
    assert store.get("race")[0] == f"{winners[0]}".encode()


def test_eighty_increments_count_to_eighty(store):
    store.put("counter", b"0")

    def increment(_):
        while True:
            data, etag = store.get("counter")
            try:
                return store.put("counter", b"%d" % (int(data) + 1), if_match=etag)
            except Conflict:
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, range(80)))
    assert store.get("counter")[0] == b"80"


def test_a_staged_file_arrives(real, tmp_path):
    for name, content in (("file", b"staged"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        upload(real.upload_url(f"staging/run/{name}", expires_s=60), tmp_path / name, below=tmp_path)
        assert real.get(f"staging/run/{name}")[0] == content


def test_more_objects_than_a_page_holds(s3_server):
    store = s3_server.store()
    names = [f"many/{number % 7}/{number:04}" for number in range(1100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: store.put(name, b""), names))
    assert listed(store, "many/") == sorted(names)


def test_a_big_object_goes_in_parts_and_keeps_its_condition(s3_server, tmp_path):
    store = s3_server.store(multipart_bytes=6 * MIB, part_bytes=5 * MIB)
    (tmp_path / "big").write_bytes(os.urandom(12 * MIB))
    etag = store.put("big.tar.zst", tmp_path / "big", if_absent=True)
    assert "-" in etag, "it did not go in parts"
    with pytest.raises(Conflict):
        store.put("big.tar.zst", tmp_path / "big", if_absent=True)
    with pytest.raises(Conflict):
        store.put("big.tar.zst", os.urandom(7 * MIB), if_match="0" * 32)
    assert store.fetch("big.tar.zst", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "big").read_bytes()
    left = store._client.list_multipart_uploads(Bucket=store._bucket)
    assert left.get("Uploads", []) == []


def test_s3_serves_the_headers_of_the_key(s3_server):
    bucket = s3_server.bucket(public=True)
    store = type(s3_server.store())(bucket, "pre/fix", s3_server.settings())
    store.put("artifacts/x.tar.zst", b"x")
    store.put("channels/dev/index.json", b"{}")
    base = f"{s3_server.endpoint}/{bucket}/pre/fix"
    blob = requests.get(f"{base}/artifacts/x.tar.zst", timeout=9)
    assert (blob.headers["Content-Type"], blob.content) == ("application/zstd", b"x")
    assert blob.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Content-Encoding" not in blob.headers
    index = requests.get(f"{base}/channels/dev/index.json", timeout=9)
    assert (index.headers["Content-Type"], index.headers["Cache-Control"]) == ("application/json", "no-cache")
    assert listed(store, "artifacts/") == ["artifacts/x.tar.zst"]
