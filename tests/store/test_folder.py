"""What is particular to a folder as a store."""

from __future__ import annotations

import os
import shutil
import time
from urllib.parse import urlsplit

import pytest

from farm.errors import BadInput, StoreUnavailable
from farm.store.folder import FolderStore


def test_reading_makes_nothing(tmp_path):
    store = FolderStore(tmp_path / "store")
    assert store.get("a") is None
    assert list(store.list("")) == []
    assert not (tmp_path / "store").exists()


def test_the_first_write_makes_a_layout(tmp_path):
    FolderStore(tmp_path / "store").put("a", b"x")
    assert (tmp_path / "store" / "layout").read_text() == "1\n"
    assert FolderStore(tmp_path / "store").get("a")[0] == b"x"


@pytest.mark.parametrize("version", ["2", "", "rubbish", "\udcff"])
def test_a_layout_of_another_farm_is_refused(tmp_path, version):
    (tmp_path / "layout").write_bytes(version.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadInput, match="this farm knows layout 1") as caught:
        FolderStore(tmp_path)
    assert "upgrade" in caught.value.hint


def test_a_folder_with_other_things_is_no_store(tmp_path):
    (tmp_path / "thesis.odt").write_text("")
    with pytest.raises(BadInput, match="is no store"):
        FolderStore(tmp_path)


def test_a_mount_point_is_empty(tmp_path):
    (tmp_path / "lost+found").mkdir()
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "layout~0123").write_text("")
    FolderStore(tmp_path).put("a", b"x")


def test_half_written_files_are_no_objects(tmp_path):
    store = FolderStore(tmp_path)
    store.put("a/b", b"x")
    (tmp_path / "a" / "b~0123456789abcdef").write_bytes(b"half")
    assert [stat.key for stat in store.list("a/")] == ["a/b"]
    assert sorted(path.name for path in tmp_path.rglob("*~*")) == ["b~0123456789abcdef", "~lock"]


def test_a_failed_write_leaves_nothing(tmp_path):
    store = FolderStore(tmp_path / "store")
    store.put("a", b"old")
    with pytest.raises(StoreUnavailable):
        store.put("a", tmp_path / "no such file")
    assert store.get("a")[0] == b"old"
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == ["a", "layout", "~lock"]


def test_links_pipes_and_folders_are_no_objects(tmp_path):
    store = FolderStore(tmp_path / "store")
    store.put("a/real", b"x")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "store/a/link").symlink_to(secret)
    os.mkfifo(tmp_path / "store/a/pipe")
    for key in ("a/link", "a/pipe", "a", "a/real/x"):
        assert store.get(key) is None
        assert store.stat(key) is None
        assert not store.fetch(key, tmp_path / "out")
    store.delete("a/real/x")
    assert [stat.key for stat in store.list("a/")] == ["a/real"]


def test_etags_differ_when_size_and_the_kernel_s_tick_are_the_same(tmp_path, monkeypatch):
    store = FolderStore(tmp_path)
    store.put("a", b"0000")
    stamps = range(1_800_000_000_000_000_000, 1_800_000_000_000_000_005)
    clock = iter(stamps)
    monkeypatch.setattr(time, "time_ns", lambda: next(clock))
    etags = [store.put("a", b"%04d" % number) for number in range(5)]
    assert [etag.split("-")[1] for etag in etags] == [f"{stamp:x}" for stamp in stamps]
    assert store.get("a")[1] == etags[-1]


def test_a_full_disk_is_said_with_the_store_and_what_to_do(tmp_path, monkeypatch):
    store = FolderStore(tmp_path / "store")

    def full(source, target, _):
        raise OSError(28, "No space left on device", "x")

    store.put("a", b"x")
    (tmp_path / "in").write_bytes(b"x")
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(StoreUnavailable, match="No space left") as caught:
        store.put("b", tmp_path / "in")
    assert str(tmp_path / "store") in caught.value.message
    assert "free some space" in caught.value.hint


def test_a_write_that_fails_names_the_file_though_the_kernel_names_none(tmp_path, monkeypatch):
    store = FolderStore(tmp_path / "store")

    def full(source, target, _):
        raise OSError(28, "No space left on device")

    store.put("a", b"x")
    (tmp_path / "in").write_bytes(b"x")
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(StoreUnavailable) as caught:
        store.put("builds/b", tmp_path / "in")
    assert caught.value.message.endswith(f"failed: No space left on device ({tmp_path}/store/builds/b)")
    assert [path.name for path in (tmp_path / "store" / "builds").iterdir()] == []


def test_the_folder_may_be_named_relatively_and_hold_spaces(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = FolderStore(tmp_path.relative_to(tmp_path) / "my store")
    store.put("a", b"x")
    assert store.name == str(tmp_path / "my store")
    assert urlsplit(store.upload_url("staging/x", expires_s=1)).path == f"{tmp_path}/my%20store/staging/x"


def test_a_listing_of_five_thousand_takes_a_moment(tmp_path):
    store = FolderStore(tmp_path)
    store.put("a", b"")
    for number in range(5000):
        folder = tmp_path / "catalog" / f"{number % 500:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:05}.json").write_bytes(b"")
    begin = time.monotonic()
    assert len(list(store.list("catalog/"))) == 5000
    assert time.monotonic() - begin < 3
    begin = time.monotonic()
    assert len(list(store.list("catalog/007/"))) == 10
    assert time.monotonic() - begin < 0.2
