"""`farm pull` from a bucket that nobody reads without keys."""

from __future__ import annotations

import pytest
import requests

from farm.errors import StoreUnavailable, VerificationFailed
from farm.sign.keys import Signer
from tests.clients.shop import Shop
from tests.fixtures_s3 import READER
from tests.pull.conftest import BUILD, CELL


@pytest.fixture
def bucket(s3_server):
    """A private bucket with one build."""
    found = Shop(s3_server.store(), "https://python.example.org")
    found.offer(CELL, BUILD)
    return found


@pytest.fixture(autouse=True)
def reader(s3_server, monkeypatch):
    """Keys that may read, in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("FARM_S3_ENDPOINT", s3_server.endpoint)
    monkeypatch.setenv("FARM_S3_ACCESS_KEY", READER[0])
    monkeypatch.setenv("FARM_S3_SECRET_KEY", READER[1])


def archive_of(bucket):
    return next(stat.key for stat in bucket.store.list("artifacts/") if stat.key.endswith("install_only.tar.zst"))


def test_with_keys_that_may_read_it_installs(bucket, pull, tmp_path):
    said = pull(source=bucket.store.name)
    assert (said["build_id"], said["changed"]) == (BUILD, True)
    assert (tmp_path / "out/python/bin/python3").is_file()
    assert pull(source=bucket.store.name)["changed"] is False
    assert pull("--offline", source=bucket.store.name, to=tmp_path / "again")["changed"] is True


def test_its_signature_is_checked_like_any_other(s3_server, pull, tmp_path):
    signer, key = Signer.new(), tmp_path / "trusted.pem"
    bucket = Shop(s3_server.store(), "https://python.example.org")
    bucket.offer(CELL, BUILD, signer=signer)
    key.write_bytes(Signer.new().verifier.pem)
    with pytest.raises(VerificationFailed, match="not signed by a key"):
        pull("--key", str(key), source=bucket.store.name)
    key.write_bytes(signer.verifier.pem)
    assert pull("--key", str(key), source=bucket.store.name)["signed"] is True


def test_nobody_else_reads_it(bucket, pull, s3_server, monkeypatch, tmp_path):
    path = bucket.store.name.removeprefix("s3://")
    assert requests.get(f"{s3_server.endpoint}/{path}/{archive_of(bucket)}", timeout=20).status_code == 403
    monkeypatch.setenv("FARM_S3_SECRET_KEY", "another")
    with pytest.raises(StoreUnavailable, match="SignatureDoesNotMatch") as caught:
        pull(source=bucket.store.name)
    assert "FARM_S3_SECRET_KEY" in caught.value.hint
    monkeypatch.delenv("FARM_S3_ACCESS_KEY")
    monkeypatch.delenv("FARM_S3_SECRET_KEY")
    with pytest.raises(StoreUnavailable, match="no credentials"):
        pull(source=bucket.store.name)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("change", "said"), [("longer", "longer than"), ("shorter", "has 9 bytes"), ("other", "with sha256")])
def test_other_bytes_than_listed_are_refused_and_not_kept(bucket, pull, tmp_path, change, said):
    key = archive_of(bucket)
    data = bucket.store.get(key)[0]
    changed = {"longer": data + b"x", "shorter": data[:9], "other": bytes([data[0] ^ 1]) + data[1:]}
    bucket.store.put(key, changed[change])
    with pytest.raises(VerificationFailed, match=said):
        pull(source=bucket.store.name)
    assert not (tmp_path / "out").exists()
    assert [path for path in (tmp_path / "cache").rglob("archives/**/*") if path.is_file()] == []
