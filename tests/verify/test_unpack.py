"""Opening archives that mean harm, or are none."""

from __future__ import annotations

import errno
import gzip
import io
import tarfile

import pytest
import zstandard

from farm.errors import BadInput, NoRoomHere
from farm.store.members import Bounds
from tests.verify.crafted import Crafted, Entry
from workers.verify.unpack import read_member, tar_stream, unpack


def packed(*infos: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(b"x" * info.size))
    return out.getvalue()


def info(name: str, **attributes) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size = attributes.pop("size", 1)
    for key, value in attributes.items():
        setattr(made, key, value)
    return made


HARM = [
    [info("../escaped")],
    [info("python/../../escaped")],
    [info("/tmp/farm-test-escaped")],
    [info("python/out", type=tarfile.SYMTYPE, linkname="../..", size=0), info("python/out/escaped")],
    [info("python/out", type=tarfile.SYMTYPE, linkname="/", size=0), info("python/out/tmp/farm-test-escaped")],
    [info("python/out", type=tarfile.LNKTYPE, linkname="../escaped", size=0)],
    [info("python/dev", type=tarfile.CHRTYPE, size=0)],
    [info("python/fifo", type=tarfile.FIFOTYPE, size=0)],
]


@pytest.mark.parametrize("infos", HARM, ids=lambda infos: " then ".join(each.name for each in infos))
def test_harm_is_listed_and_not_done(infos, tmp_path):
    folder = tmp_path / "inner" / "tree"
    folder.mkdir(parents=True)
    archive = tmp_path / "inner" / "a.tar"
    archive.write_bytes(packed(*infos))
    unpacked = unpack(archive, folder)
    assert [member.name for member in unpacked.members] == [each.name for each in infos]
    outside = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} - {"inner", "inner/tree", "inner/a.tar"}
    assert all(name.startswith("inner/tree/") for name in outside), outside
    assert not any(path.is_char_device() or path.is_fifo() for path in folder.rglob("*"))


def test_gzip_and_zstd_are_the_same(tmp_path):
    data = Crafted().packed()
    plain = io.BytesIO(data)
    with tarfile.open(fileobj=plain) as tar:
        names = tar.getnames()
    (tmp_path / "a.tar.gz").write_bytes(data)
    (tmp_path / "a.tar.zst").write_bytes(zstandard.compress(gzip.decompress(data)))
    for name in ("a.tar.gz", "a.tar.zst"):
        assert [member.name for member in unpack(tmp_path / name, tmp_path / name[2:]).members] == names
    with tar_stream(tmp_path / "a.tar.zst") as stream:
        assert stream.read() == gzip.decompress(data)


def test_nothing_unpacked_can_be_executed(tmp_path):
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(Crafted().having("bin/su", Entry(b"x", mode=0o4755)).packed())
    tree = unpack(archive, tmp_path / "tree").tree
    assert {path.stat().st_mode & 0o7777 for path in tree.rglob("*") if path.is_file()} == {0o644}


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.zst"])
@pytest.mark.parametrize(
    "data", [b"", b"hello", Crafted().packed()[:900], b"\x28\xb5\x2f\xfd cut"], ids=["empty", "text", "cut", "zstd"]
)
def test_what_is_no_archive(name, data, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match="cannot be unpacked"):
        unpack(tmp_path / name, tmp_path / "tree")


def test_a_full_disk_says_nothing_of_the_archive(tmp_path, monkeypatch):
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(gzip.compress(packed(info("python/a"))))

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("workers.verify.unpack.shared.place", full)
    with pytest.raises(NoRoomHere, match="disk is full"):
        unpack(archive, tmp_path / "folder")


def test_what_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="is not there"):
        read_member(tmp_path / "a.tar.gz", "x")


def test_bombs_are_not_unpacked(tmp_path):
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(Crafted().packed())
    with pytest.raises(BadInput, match="over 3000 bytes"):
        unpack(archive, tmp_path / "tree", Bounds(tar_bytes=3000))
    with pytest.raises(BadInput, match="over 3 members"):
        unpack(archive, tmp_path / "tree", Bounds(members=3))


def test_read_member(tmp_path):
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(Crafted().packed())
    assert read_member(archive, "python/include/python3.13/Python.h") == b"/* nothing */\n"
    assert read_member(archive, "python/nothing") is None
    assert read_member(archive, "python/bin/python") is None
