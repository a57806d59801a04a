"""Archives have the same bytes whatever the order of the files, and every file is in exactly one kind."""

import gzip
import hashlib
import tarfile

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from farm.plan.recipe import Trim
from workers.build.pack import divide, pack, write_tar
from workers.build.tree import Content, Entry, Tree

EPOCH = 1_700_000_000
TRIMS = (
    Trim("lib/{lib}/test/*", "tests", keep=("lib/{lib}/test/__init__.py", "lib/{lib}/test/support/*")),
    Trim("*.a", "static-lib"),
    Trim("lib/{lib}/gone/*", ""),
)


def a_tree():
    return Tree(
        {
            "lib/python3.13/test/test_os.py": Entry("file", Content.of(b"t")),
            "lib/python3.13/test/__init__.py": Entry("file", Content.of(b"")),
            "lib/python3.13/test/support/os_helper.py": Entry("file", Content.of(b"h")),
            "lib/python3.13/config/libpython3.13.a": Entry("file", Content.of(b"!<arch>")),
            "lib/python3.13/gone/x.py": Entry("file", Content.of(b"x")),
            "lib/debug/.build-id/ab/cd.debug": Entry("file", Content.of(b"d")),
            "bin/.debug/python3.13.debug": Entry("link", target="../../lib/debug/.build-id/ab/cd.debug"),
            "bin/python3.13": Entry("file", Content.of(b"\x7fELF"), executable=True),
            "bin/python": Entry("link", target="python3.13"),
        }
    )


def test_every_file_is_in_one_kind_or_dropped():
    kinds = divide(a_tree(), TRIMS, "python3.13")
    assert set(kinds["install_only"].entries) == {
        "bin/python",
        "bin/python3.13",
        "lib/python3.13/test/__init__.py",
        "lib/python3.13/test/support/os_helper.py",
    }
    assert set(kinds["tests"].entries) == {"lib/python3.13/test/test_os.py"}
    assert set(kinds["static-lib"].entries) == {"lib/python3.13/config/libpython3.13.a"}
    assert set(kinds["debugsymbols"].entries) == {"lib/debug/.build-id/ab/cd.debug", "bin/.debug/python3.13.debug"}


def test_archives_are_what_they_say(tmp_path):
    made = pack(divide(a_tree(), TRIMS, "python3.13"), {"share/m.json": Entry("file", Content.of(b"{}"))}, EPOCH, tmp_path)
    assert {(archive.kind, archive.format) for archive in made} == {
        ("install_only", "tar.zst"),
        ("install_only", "tar.gz"),
        ("debugsymbols", "tar.zst"),
        ("tests", "tar.zst"),
        ("static-lib", "tar.zst"),
    }
    for archive in made:
        data = (tmp_path / archive.name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == archive.sha256
        assert len(data) == archive.size
        plain = (
            gzip.decompress(data)
            if archive.format == "tar.gz"
            else zstandard.ZstdDecompressor().decompressobj().decompress(data)
        )
        assert hashlib.sha256(plain).hexdigest() == archive.tar_sha256
        assert b"share/m.json" in plain
    assert not list(tmp_path.glob("*.tar"))


def test_members_are_normal(tmp_path):
    write_tar(a_tree(), EPOCH, tmp_path / "t.tar")
    with tarfile.open(tmp_path / "t.tar") as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == sorted(member.name for member in members)
    assert members[0].name == "python"
    assert members[0].isdir()
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members} == {(0, 0, "", EPOCH)}
    assert {oct(member.mode) for member in members} == {"0o755", "0o644", "0o777"}


@given(st.permutations(sorted(a_tree().entries)))
def test_the_order_of_the_files_does_not_matter(tmp_path_factory, order):
    folder = tmp_path_factory.mktemp("pack")
    write_tar(a_tree(), EPOCH, folder / "a")
    write_tar(Tree({path: a_tree().entries[path] for path in order}), EPOCH, folder / "b")
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()
