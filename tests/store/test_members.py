"""One set of rules for tars from strangers: whatever is in one, nothing outside the folder is touched."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.store import members
from farm.store.members import Bounds, Rules, TooMuch, Unsafe, extract
from tests.publish.staging import build_info, good_members, member, order, tar_of
from tests.publish.test_tarball import UNSAFE

PARTS = st.sampled_from(["python", "a", "b", "..", ".", "", "~"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
TYPES = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])


@st.composite
def anything(draw):
    """A member as an enemy may write it; half of them under the top folder, so that some pass."""
    name = draw(PATHS)
    if draw(st.booleans()):
        name = f"python/{name}"
    kind = draw(TYPES)
    content = b"x" if kind == tarfile.REGTYPE else b""
    mode = draw(st.sampled_from([0o644, 0o755, 0o4755]))
    return member(name, content, type=kind, mode=mode, linkname=draw(PATHS))


def unpacked(data, folder, **bounds):
    extract(io.BytesIO(data), folder, "python", Bounds(**bounds))


@given(st.lists(anything(), max_size=6))
def test_nothing_ever_leaves_the_folder(tmp_path_factory, infos):
    outer = tmp_path_factory.mktemp("outer")
    (outer / "kept").write_text("kept")
    inner = outer / "inner"
    inner.mkdir()
    data = tar_of(infos)
    with suppress(Unsafe):
        unpacked(data, inner)
    assert {path.name for path in outer.iterdir()} == {"kept", "inner"}
    assert (outer / "kept").read_text() == "kept"
    for path in inner.rglob("*"):
        assert path.resolve().is_relative_to(inner / "python")
        assert path.is_symlink() or not path.stat().st_mode & 0o7000


@given(st.lists(anything(), max_size=6))
def test_what_is_unpacked_is_what_the_rules_take(tmp_path_factory, infos):
    rules = Rules("python")
    try:
        with tarfile.open(fileobj=io.BytesIO(tar_of(infos))) as tar:  # which drops the slash at the end of a folder's name
            for info in tar:
                rules.add(info)
        rules.check()
    except Unsafe:
        with pytest.raises(Unsafe):
            unpacked(tar_of(infos), tmp_path_factory.mktemp("refused"))
        return
    folder = tmp_path_factory.mktemp("taken")
    unpacked(tar_of(infos), folder)
    assert {name for name in rules.kinds if not (folder / name).is_symlink() and not (folder / name).exists()} == set()


@pytest.mark.parametrize("targets", [["a"], ["b", "a"], ["b", "c", "a"]])
def test_a_link_that_leads_nowhere_but_to_links_is_refused(tmp_path, targets):
    names = ["a", "b", "c"]
    links = [member(f"python/{name}", type=tarfile.SYMTYPE, linkname=to) for name, to in zip(names, targets, strict=False)]
    with pytest.raises(Unsafe, match="nowhere"):
        unpacked(tar_of(links), tmp_path)


def test_a_link_to_a_link_is_taken(tmp_path):
    links = [
        member(f"python/{name}", type=tarfile.SYMTYPE, linkname=to) for name, to in (("python", "python3"), ("python3", "x"))
    ]
    unpacked(tar_of([*links, member("python/x", b"x")]), tmp_path)
    assert (tmp_path / "python" / "python").read_text() == "x"


@pytest.mark.parametrize("infos", UNSAFE.values(), ids=UNSAFE.keys())
def test_what_may_not_be_published_is_not_unpacked(tmp_path, infos):
    with pytest.raises(Unsafe):
        unpacked(tar_of(infos), tmp_path)


def test_a_good_archive(tmp_path):
    unpacked(tar_of(good_members(build_info(order()))), tmp_path)
    python = tmp_path / "python" / "bin" / "python3"
    assert python.readlink().as_posix() == "python3.13"
    assert python.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "python" / "share" / "python-farm" / "build.json").stat().st_mode & 0o777 == 0o644


def test_bounds(tmp_path):
    data = tar_of([member(f"python/{number}", b"x" * 600) for number in range(20)])
    unpacked(data, tmp_path, tar_bytes=12_000, members=20)
    for bounds in ({"tar_bytes": 11_999}, {"members": 19}):
        with pytest.raises(TooMuch):
            unpacked(data, tmp_path / "_".join(bounds), **bounds)
    assert members.LIMITS.members > 10_000
