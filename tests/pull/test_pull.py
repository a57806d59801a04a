"""`farm pull`, over HTTP and from a folder, into a folder that is whole or not there."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from farm.errors import BadInput, StoreUnavailable, Transient, VerificationFailed
from farm.index import update
from farm.index.model import Pointer
from farm.plan.facts import load_facts
from farm.pull import fetch, runtime
from farm.sign.keys import Signer
from farm.sign.rotation import endorsement
from farm.store import keys, remote
from farm.store.remote import HttpStore
from tests.clients.shop import CHANNEL
from tests.publish.test_tarball import UNSAFE
from tests.pull.conftest import BUILD, CELL

OLD, NEW = BUILD, "2026112202"


def version(tmp_path):
    return (tmp_path / "out" / "python" / "bin" / "python3").read_text().split()[-1].rstrip('"')


@pytest.mark.parametrize("how", ["http", "folder"])
def test_it_installs_then_says_so_then_replaces(shop, pull, tmp_path, how):
    source = shop.base_url if how == "http" else str(shop.store.root)
    said = pull(source=source)
    assert said == {
        "cell": CELL,
        "build_id": OLD,
        "to": str(tmp_path / "out" / "python"),
        "changed": True,
        "missing": [],
        "signed": False,
    }
    assert version(tmp_path) == OLD
    assert pull(source=source)["changed"] is False
    shop.offer(CELL, NEW)
    assert pull(source=source)["changed"] is True
    assert version(tmp_path) == NEW
    assert pull("--exact", OLD, source=source)["build_id"] == OLD
    assert version(tmp_path) == OLD
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["python"]


def test_offline_needs_only_what_was_fetched(shop, pull, tmp_path):
    with pytest.raises(BadInput, match="never fetched"):
        pull("--offline")
    pull()
    asked = len(shop.asked)
    again = tmp_path / "again"
    assert pull("--offline", to=again)["changed"] is True
    assert (again / "bin" / "python3").is_file()
    assert len(shop.asked) == asked


@pytest.mark.parametrize("what", ["zst", "shards"])
def test_changed_bytes_are_never_unpacked(shop, pull, tmp_path, what):
    key = next(stat.key for stat in shop.store.list("") if what in stat.key and not stat.key.endswith(".sha256"))
    shop.spoil(key)
    with pytest.raises(VerificationFailed):
        pull()
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_a_kept_archive_that_was_changed_is_fetched_again(pull, tmp_path):
    pull()
    kept = next((tmp_path / "cache").rglob("*.tar.zst"))
    kept.write_bytes(b"changed")
    pull(to=tmp_path / "again")
    assert (tmp_path / "again" / "bin" / "python3").is_file()


def test_a_place_that_cannot_be_written_is_the_hosts_trouble_and_no_bug_of_ours(pull, tmp_path):
    (tmp_path / "a file").touch()
    with pytest.raises(Transient, match="cannot install into") as raised:
        pull(to=tmp_path / "a file" / "python")
    assert raised.value.exit_code == 4


@pytest.mark.parametrize("make", ["file", "link", "full"])
def test_what_is_not_ours_is_not_replaced(pull, tmp_path, make):
    target = tmp_path / "mine"
    if make == "file":
        target.write_text("x")
    elif make == "link":
        target.symlink_to(tmp_path)
    else:
        target.mkdir()
        (target / "precious").write_text("x")
    with pytest.raises(BadInput, match=r"no folder|no Python of ours"):
        pull(to=target)
    assert target.is_symlink() or target.is_file() or (target / "precious").read_text() == "x"


# --- archives that are none of ours ---------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", UNSAFE.values(), ids=UNSAFE.keys())
def test_an_unsafe_archive_is_not_installed_and_what_was_there_stays(shop, pull, tmp_path, extra):
    pull()
    shop.offer(CELL, NEW, extra=extra)
    with pytest.raises(VerificationFailed, match="unsafe"):
        pull()
    assert version(tmp_path) == OLD
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["python"]
    assert not (tmp_path / "out" / "x").exists()
    assert not (tmp_path / "x").exists()


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.fixture
def signer(shop):
    found = Signer.new()
    update.rewrite(shop.store, CHANNEL, base_url=shop.base_url, signer=found)
    return found


@pytest.fixture
def keyring(tmp_path, signer):
    path = tmp_path / "trusted.pem"
    path.write_bytes(Signer.new().verifier.pem + signer.verifier.pem)
    return str(path)


def test_a_signed_index_is_taken_from_a_trusted_key_only(shop, pull, keyring, tmp_path):
    assert pull("--key", keyring)["signed"] is True
    other = tmp_path / "other.pem"
    other.write_bytes(Signer.new().verifier.pem)
    with pytest.raises(VerificationFailed, match="not signed by a key"):
        pull("--key", str(other), to=tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_an_unsigned_index_is_refused_where_a_key_is_trusted(shop, pull, tmp_path):
    path = tmp_path / "trusted.pem"
    path.write_bytes(Signer.new().verifier.pem)
    with pytest.raises(BadInput, match="not signed"):
        pull("--key", str(path))


def test_whoever_changes_the_store_without_the_key_is_seen(shop, pull, keyring, signer):
    document = json.loads(shop.text(keys.signed_pointer(CHANNEL)))
    payload = base64.b64decode(document["payload"]).replace(b'"serial": 1', b'"serial": 9')
    document["payload"] = base64.b64encode(payload).decode()
    path = shop.store.root / keys.signed_pointer(CHANNEL)
    path.write_text(json.dumps(document))
    with pytest.raises(VerificationFailed, match="not signed by a key"):
        pull("--key", keyring)


def test_an_old_signed_index_is_refused_once_a_newer_was_seen(shop, pull, keyring, signer, tmp_path):
    path = shop.store.root / keys.signed_pointer(CHANNEL)
    old = path.read_bytes()
    shop.offer(CELL, NEW, signer=signer)
    assert pull("--key", keyring)["build_id"] == NEW
    path.write_bytes(old)
    with pytest.raises(VerificationFailed, match=r"went back from serial 2 to 1"):
        pull("--key", keyring)


def test_an_index_that_was_not_changed_for_too_long_is_refused(shop, pull, keyring, signer, tmp_path):
    now = datetime.now(UTC)
    shop.offer(CELL, NEW, signer=signer, clock=lambda: now - timedelta(days=9))
    with pytest.raises(VerificationFailed, match="more than 8 days ago"):
        pull("--key", keyring, "--max-age", "8")
    assert not (tmp_path / "out").exists()
    assert pull("--key", keyring, "--max-age", "10")["build_id"] == NEW
    pull("--key", keyring, "--offline", "--max-age", "10", to=tmp_path / "again")
    with pytest.raises(VerificationFailed, match="more than 8 days ago"):
        pull("--key", keyring, "--offline", "--max-age", "8")


def test_an_index_without_a_time_has_no_age():
    with pytest.raises(VerificationFailed, match="does not say when"):
        fetch.check_age(Pointer(channel=CHANNEL), 1, datetime.now(UTC))


def test_nobody_publishes_unsigned_into_a_signed_channel(shop, signer):
    with pytest.raises(BadInput, match="is signed, and there is no key"):
        shop.offer(CELL, NEW)


def endorse(shop, new, old):
    shop.store.put(keys.endorsement(new.verifier.id), endorsement(new.verifier, old))


def test_a_reader_follows_from_key_to_key_and_no_stranger(shop, pull, keyring, signer, tmp_path):
    second, third, stranger = Signer.new(), Signer.new(), Signer.new()
    endorse(shop, second, signer)
    endorse(shop, third, second)
    shop.offer(CELL, NEW, signer=third)
    assert pull("--key", keyring)["build_id"] == NEW
    shop.store.delete(keys.endorsement(second.verifier.id))
    with pytest.raises(VerificationFailed, match="not signed by a key"):
        pull("--key", keyring)
    endorse(shop, second, stranger)
    with pytest.raises(VerificationFailed, match="not signed by a key"):
        pull("--key", keyring)
    path = shop.store.root / keys.endorsement(second.verifier.id)
    endorse(shop, second, signer)
    document = json.loads(path.read_text())
    payload = base64.b64decode(document["payload"])
    document["payload"] = base64.b64encode(bytes([payload[0] ^ 1]) + payload[1:]).decode()
    path.write_text(json.dumps(document))
    with pytest.raises(VerificationFailed, match=r"not signed by a key|no signed document"):
        pull("--key", keyring)


def test_an_empty_folder_is_taken(pull, tmp_path):
    (tmp_path / "empty").mkdir()
    assert pull(to=tmp_path / "empty")["changed"] is True
    assert (tmp_path / "empty").stat().st_mode & 0o777 == 0o755


def test_an_unknown_channel_or_distro(pull):
    with pytest.raises(BadInput, match=r"'nightly' of .* does not exist") as caught:
        pull("--channel", "nightly")
    assert caught.value.hint == "there is --channel stable"
    with pytest.raises(BadInput, match=r"no Python 3\.13") as caught:
        pull("--distro", "debian12")
    assert "none at all" in caught.value.hint


def test_a_store_that_does_not_answer_is_asked_again_and_then_reported(monkeypatch):
    monkeypatch.setattr(remote, "_LONGEST_WAIT_S", 0)
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9/x: ConnectionError|ConnectionError") as caught:
        HttpStore("http://user:secret@127.0.0.1:9/x").get("index.json")
    assert "secret" not in caught.value.message


def test_missing_packages_are_those_that_the_package_manager_does_not_list():
    family = load_facts().distros["debian13"].family.model_copy(update={"query": "printf 'libc6 2.41\\nlibssl3t64 3.5\\n'"})
    assert runtime.missing(["libssl3t64", "libffi8"], family) == ["libffi8"]
    assert "install -y" in runtime.command(["libffi8"], family)
    with pytest.raises(BadInput, match="cannot be listed"):
        runtime.missing([], family.model_copy(update={"query": "exit 3"}))
