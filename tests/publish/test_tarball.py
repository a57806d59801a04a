"""Which archives are safe to hand on."""

from __future__ import annotations

import hashlib
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import VerificationFailed
from farm.publish.tarball import inspect
from farm.store.members import Bounds
from tests.publish.staging import PACK, build_info, good_members, member, order, tar_of

LINK = {"type": tarfile.SYMTYPE, "mode": 0o777}
HARD = {"type": tarfile.LNKTYPE}
DIR = {"type": tarfile.DIRTYPE, "mode": 0o755}


@pytest.fixture(params=["tar.gz", "tar.zst"])
def form(request):
    return request.param


def inspected(folder, data, form="tar.gz", **bounds):
    path = folder / f"archive.{form}"
    path.write_bytes(PACK[form](data))
    return inspect(path, form, Bounds(**bounds))


def test_a_good_archive(tmp_path, form):
    info = build_info(order())
    tar = tar_of(good_members(info))
    contents = inspected(tmp_path, tar, form)
    assert contents.tar_sha256 == hashlib.sha256(tar).hexdigest()
    assert contents.build_info == info.model_dump_json().encode()
    assert contents.members == 6


def test_long_names_and_hard_links_inside_are_fine(tmp_path):
    name = "python/" + "/".join(["ü" * 60] * 5)
    assert inspected(tmp_path, tar_of([member(name, b"x"), member("python/same", linkname=name, **HARD)])).members == 2


UNSAFE = {
    "absolute": [member("/etc/passwd", b"x")],
    "climbs": [member("python/../../x", b"x")],
    "beside": [member("other/x", b"x")],
    "dot": [member("./python/x", b"x")],
    "top is a file": [member("python", b"x")],
    "top is a link": [member("python", linkname="lib", **LINK)],
    "control character": [member("python/a\nb", b"x")],
    "twice": [member("python/a", b"1"), member("python/a", b"2")],
    "setuid": [member("python/a", mode=0o4755)],
    "setgid": [member("python/a", mode=0o2755)],
    "sticky folder": [member("python/a", type=tarfile.DIRTYPE, mode=0o1777)],
    "device": [member("python/a", type=tarfile.CHRTYPE)],
    "block device": [member("python/a", type=tarfile.BLKTYPE)],
    "fifo": [member("python/a", type=tarfile.FIFOTYPE)],
    "contiguous": [member("python/a", type=tarfile.CONTTYPE)],
    "absolute link": [member("python/a", linkname="/etc/passwd", **LINK)],
    "link out": [member("python/a", linkname="../x", **LINK)],
    "link to the parent of all": [member("python/a", linkname="..", **LINK)],
    "link far out": [member("python/a", linkname="../../x", **LINK)],
    "link out and in": [member("python/a", linkname="../python/x", **LINK)],
    "empty link": [member("python/lib/a", linkname="", **LINK)],
    "link that turns back": [
        member("python/x", **DIR),
        member("python/x/l1", linkname="..", **LINK),
        member("python/l2", linkname="x/l1/../..", **LINK),
    ],
    "link through a link": [
        member("python/b/c", b""),
        member("python/d", linkname="b", **LINK),
        member("python/a", linkname="d/c", **LINK),
    ],
    "file behind a link": [member("python/a", linkname="b", **LINK), member("python/a/c", b"x")],
    "file behind a file": [member("python/a", b"x"), member("python/a/c", b"x")],
    "file before its link": [member("python/a/c", b"x"), member("python/a", linkname="b", **LINK)],
    "hard link out": [member("python/a", linkname="/etc/passwd", **HARD)],
    "hard link to nothing": [member("python/a", linkname="python/b", **HARD)],
    "hard link to a link": [member("python/a", linkname="b", **LINK), member("python/c", linkname="python/a", **HARD)],
    "long header": [member("python/a", pax_headers={"comment": "x" * 100_000})],
}


@pytest.mark.parametrize("members", UNSAFE.values(), ids=UNSAFE.keys())
def test_an_unsafe_archive_is_refused(tmp_path, members):
    with pytest.raises(VerificationFailed, match="unsafe"):
        inspected(tmp_path, tar_of(members))


def test_bounds(tmp_path, form):
    data = tar_of([member(f"python/{number}", b"x" * 600) for number in range(20)])
    inspected(tmp_path, data, form, tar_bytes=len(data), members=20)
    with pytest.raises(VerificationFailed, match="over"):
        inspected(tmp_path, data, form, tar_bytes=len(data) - 1)
    with pytest.raises(VerificationFailed, match="over 19 members"):
        inspected(tmp_path, data, form, members=19)


def test_nothing_hides_behind_the_end(tmp_path):
    good = tar_of([member("python/a", b"x")])
    with pytest.raises(VerificationFailed, match="behind its end"):
        inspected(tmp_path, good + tar_of([member("python/su", mode=0o4755)]))
    broken = bytearray(tar_of([member("python/a", b"x"), member("python/b", b"x")]))
    broken[1024 + 150] ^= 1  # in the second header's checksum: tarfile takes that for the end
    with pytest.raises(VerificationFailed, match="behind its end"):
        inspected(tmp_path, bytes(broken))


@given(st.binary(max_size=2000), st.sampled_from(["tar.gz", "tar.zst"]), st.booleans())
def test_rubbish_is_refused_and_nothing_else_happens(tmp_path_factory, data, form, packed):
    path = tmp_path_factory.mktemp("rubbish") / f"a.{form}"
    path.write_bytes(PACK[form](data) if packed else data)
    try:
        assert inspect(path, form).members == 0
    except VerificationFailed:
        return
    assert packed
    assert not data.strip(b"\0")


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_archive_is_never_taken_for_the_whole(tmp_path_factory, where, value):
    data = tar_of(good_members(build_info(order())))
    packed = bytearray(PACK["tar.zst"](data))
    packed[where % len(packed)] = value
    path = tmp_path_factory.mktemp("damaged") / "a.tar.zst"
    path.write_bytes(packed)
    try:
        contents = inspect(path, "tar.zst")
    except VerificationFailed:
        return
    if contents.tar_sha256 == hashlib.sha256(data).hexdigest():
        assert contents.members == 6
