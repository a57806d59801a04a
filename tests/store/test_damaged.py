"""A real S3 server behind a proxy that cuts off what is sent: the server refuses it by its MD5, and it is sent again."""

from __future__ import annotations

import os
import secrets
from urllib.parse import urlsplit

import pytest
from tenacity import wait_none

from farm.errors import StoreUnavailable
from farm.store import parts
from farm.store.s3 import S3Store
from tests.chaos.witness import Witness, calm

MIB = 1 << 20


@pytest.fixture
def witness(s3_server, monkeypatch):
    monkeypatch.setattr(parts.Parts, "wait", wait_none())
    made = Witness(urlsplit(s3_server.endpoint).netloc)
    yield made
    made.close()


@pytest.fixture
def store(s3_server, witness):
    settings = s3_server.settings().model_copy(update={"endpoint": witness.endpoint})
    made = S3Store(s3_server.shared, secrets.token_hex(6), settings, multipart_bytes=8 * MIB, part_bytes=5 * MIB)
    made.put("first", b"")  # which makes the layout, too
    return made


def cut_off(times):
    """Half of the body is lost so often."""
    left = [times]

    def decide(method, _key):
        left[0] -= method == "PUT"
        return "truncate" if method == "PUT" and left[0] >= 0 else ""

    return decide


@pytest.mark.parametrize("size", [1000, 11 * MIB], ids=["whole", "in parts"])
def test_what_is_cut_off_on_its_way_is_sent_again(witness, store, size, tmp_path):
    data = os.urandom(size)
    (tmp_path / "data").write_bytes(data)
    witness.trouble = cut_off(2)
    store.put("artifacts/x", tmp_path / "data", if_absent=True)
    assert witness.struck() == 2
    assert store.fetch("artifacts/x", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data


def test_what_always_arrives_cut_off_is_not_written_at_all(witness, store):
    witness.trouble = cut_off(99)
    with pytest.raises(StoreUnavailable, match="refused to write artifacts/x: BadDigest"):
        store.put("artifacts/x", b"0123456789", if_absent=True)
    witness.trouble = calm
    assert store.get("artifacts/x") is None
