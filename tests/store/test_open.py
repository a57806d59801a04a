"""Settings, layout, and stores that cannot be used."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr

from farm.errors import BadInput, Conflict, StoreUnavailable
from farm.settings import S3Settings, Settings
from farm.store import layout
from farm.store.folder import FolderStore
from farm.store.open import base_url, open_store
from farm.store.s3 import S3Store
from tests.fakes import HostileStore, MemoryStore
from tests.fixtures_s3 import ADMIN, READER

S3 = S3Settings(endpoint="http://s3.example.org:9000/")


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (Settings(store="s3://bucket/pre/fix", s3=S3), "http://s3.example.org:9000/bucket/pre/fix"),
        (Settings(store="s3://bucket", s3=S3), "http://s3.example.org:9000/bucket"),
        (Settings(store="s3://bucket/p", s3=S3Settings(addressing="virtual")), "https://bucket.s3.us-east-1.amazonaws.com/p"),
        (Settings(store="s3://bucket/p", base_url="https://py.example.org/"), "https://py.example.org"),
        (Settings(store="/srv/my store"), "file:///srv/my%20store"),
    ],
)
def test_where_clients_reach_the_store(settings, url):
    assert base_url(settings) == url


def test_a_folder_is_opened(tmp_path):
    store = open_store(Settings(store=str(tmp_path / "store")))
    assert isinstance(store, FolderStore)
    assert store.root == tmp_path / "store"


@pytest.mark.parametrize("address", ["gs://bucket", "s3://", "https://example.org/store"])
def test_what_is_no_store_is_said(address):
    with pytest.raises(BadInput, match="FARM_STORE is"):
        open_store(Settings(store=address))


@pytest.mark.parametrize(
    ("ignores", "condition"), [(["if_absent"], "If-None-Match"), (["if_match"], "If-Match"), (["if_absent", "if_match"], "If-")]
)
def test_a_store_that_ignores_conditions_is_refused(ignores, condition):
    with pytest.raises(BadInput, match=f"ignores {condition}"):
        layout.prepare(HostileStore(*ignores))


def test_a_store_that_keeps_its_promises_is_prepared_twice():
    store = MemoryStore()
    layout.prepare(store)
    layout.prepare(store)
    assert store.objects == {"layout": b"1\n"}


def hostile_bucket(store, monkeypatch, condition):
    """The server loses one condition on its way."""
    whole = store._client.put_object
    monkeypatch.setattr(store._client, "put_object", lambda **args: whole(**{k: v for k, v in args.items() if k != condition}))


@pytest.mark.parametrize("condition", ["IfNoneMatch", "IfMatch"])
def test_a_bucket_that_ignores_conditions_is_refused_before_anything_is_written(s3_server, monkeypatch, condition):
    store = s3_server.store()
    hostile_bucket(store, monkeypatch, condition)
    for _ in range(2):
        with pytest.raises(BadInput, match="ignores If-"):
            store.put("a", b"x")
    assert store.get("a") is None


def test_a_newer_layout_in_a_bucket_is_refused(s3_server):
    store = s3_server.store()
    store._put_whole("layout", io.BytesIO(b"7\n"), {})
    with pytest.raises(BadInput, match="layout '7'"):
        store.put("a", b"x")


def test_a_server_that_is_away_is_named(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        settings = S3Settings(
            endpoint=f"http://user:hunter2@127.0.0.1:{port}", access_key="AKIAADMIN", secret_key=SecretStr("adminsecret0123")
        )
        with pytest.raises(StoreUnavailable) as caught:
            S3Store("bucket", "", settings)
    assert f"127.0.0.1:{port}" in caught.value.message
    assert "FARM_S3_ENDPOINT" in caught.value.hint
    assert "hunter2" not in repr(caught.value) + caught.value.message
    assert "adminsecret" not in caught.value.message


def test_wrong_keys_are_said_without_showing_them(s3_server):
    wrong = (ADMIN[0], "not-the-secret")
    with pytest.raises(StoreUnavailable) as caught:
        S3Store(s3_server.shared, "x", s3_server.settings(wrong))
    assert "FARM_S3_SECRET_KEY" in caught.value.hint
    assert wrong[1] not in caught.value.message
    assert ADMIN[0] not in caught.value.message


def test_a_reader_may_look_and_not_write(s3_server):
    owned = s3_server.store()
    owned.put("a", b"x")
    store = S3Store(s3_server.shared, owned._prefix, s3_server.settings(READER))
    assert store.get("a")[0] == b"x"
    assert [stat.key for stat in store.list("")] == ["a", "layout"]
    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        store.put("b", b"x")


@pytest.mark.parametrize("shift", ["+1h", "-1h"])
def test_a_real_server_refuses_whose_clock_is_off_and_it_is_said(s3_server, tmp_path, shift):
    if (faketime := shutil.which("faketime")) is None:
        pytest.skip("FAKETIME IS MISSING: no clock is off in the tests; apt-get install faketime")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FARM_", "AWS_"))}
    own = {
        "FARM_STORE": f"s3://{s3_server.shared}/x",
        "FARM_S3_ENDPOINT": s3_server.endpoint,
        "FARM_S3_ACCESS_KEY": ADMIN[0],
        "FARM_S3_SECRET_KEY": ADMIN[1],
    }
    argv = [faketime, "-f", shift, Path(sys.executable).with_name("farm"), "ls"]
    done = subprocess.run(argv, cwd=tmp_path, env=kept | own, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 4
    assert "RequestTimeTooSkewed" in done.stderr
    assert "clock" in done.stderr
    assert ADMIN[1] not in done.stderr


def test_a_bucket_that_is_not_there_is_said(s3_server):
    with pytest.raises(StoreUnavailable, match="NoSuchBucket") as caught:
        S3Store("farm-no-such-bucket", "", s3_server.settings(READER)).list("").__next__()
    assert "create the bucket" in caught.value.hint


def test_a_race_is_tried_again(s3_server, monkeypatch):
    """AWS answers 409 when two conditional writes meet; SeaweedFS never does."""
    store = s3_server.store()
    store.put("a", b"1")
    answers = [ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")] * 2
    whole = store._client.put_object

    def put_object(**args):
        if answers:
            raise answers.pop()
        return whole(**args)

    monkeypatch.setattr(store._client, "put_object", put_object)
    store.put("b", b"2", if_absent=True)
    assert store.get("b")[0] == b"2"
    answers += [ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")] * 9
    with pytest.raises(Conflict):
        store.put("c", b"2", if_absent=True)
