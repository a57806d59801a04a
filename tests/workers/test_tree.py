"""The tree that comes out of a box is data: nothing in it may reach outside."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import BuildFailed
from workers.build.tree import Content, Entry, Tree, read_tar


def tar_of(tmp_path, members):
    path = tmp_path / "t.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind, value in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            data = b""
            if kind == tarfile.REGTYPE:
                data = value
                info.size = len(data)
                info.mode = 0o755 if name.endswith(".sh") else 0o644
            elif isinstance(value, str):
                info.linkname = value
            tar.addfile(info, io.BytesIO(data) if data else None)
    return path


def test_files_links_and_modes_are_read(tmp_path):
    spool = tar_of(
        tmp_path,
        [
            ("install", tarfile.DIRTYPE, None),
            ("install/bin/run.sh", tarfile.REGTYPE, b"#!/bin/sh\n"),
            ("install/lib/a.py", tarfile.REGTYPE, b"x = 1\n"),
            ("install/bin/again", tarfile.SYMTYPE, "run.sh"),
            ("install/bin/far", tarfile.SYMTYPE, "/install/lib/a.py"),
            ("install/lib/hard.py", tarfile.LNKTYPE, "install/lib/a.py"),
        ],
    )
    tree = read_tar(spool, "install")
    assert tree.read("lib/a.py") == b"x = 1\n"
    assert tree.read("lib/hard.py") == b"x = 1\n"
    assert tree.entries["bin/run.sh"].executable
    assert not tree.entries["lib/a.py"].executable
    assert tree.entries["bin/again"].target == "run.sh"
    assert tree.entries["bin/far"].target == "../lib/a.py"
    assert "" not in tree.entries


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (("etc/passwd", tarfile.REGTYPE, b"x"), "not under install/"),
        (("install/../etc/passwd", tarfile.REGTYPE, b"x"), "not under install/"),
        (("install/bin/up", tarfile.SYMTYPE, "../../etc/passwd"), "leads out"),
        (("install/bin/abs", tarfile.SYMTYPE, "/etc/passwd"), "leads out"),
        (("install/dev", tarfile.CHRTYPE, None), "neither file"),
        (("install/pipe", tarfile.FIFOTYPE, None), "neither file"),
        (("install/hard", tarfile.LNKTYPE, "etc/passwd"), "no file before it"),
    ],
)
def test_what_reaches_outside_is_refused(tmp_path, member, said):
    with pytest.raises(BuildFailed, match=said):
        read_tar(tar_of(tmp_path, [member]), "install")


def test_a_missing_file_is_named():
    with pytest.raises(BuildFailed, match="bin/python"):
        Tree({}).read("bin/python")


@given(st.dictionaries(st.from_regex(r"[a-z]{1,4}(/[a-z]{1,4}){0,2}", fullmatch=True), st.binary(max_size=40), max_size=6))
def test_with_entries_replaces_and_removes(files):
    tree = Tree({path: Entry("file", Content.of(data)) for path, data in files.items()})
    assert dict(tree.with_entries(dict.fromkeys(files)).entries) == {}
    assert tree.with_entries({}).entries == tree.entries
    assert {path: entry.content.read() for path, entry in tree.files()} == files
