"""What uv takes for an archive of Python, and what it changes in one: why ours look as they do."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from functools import partial
from pathlib import Path

import pytest

from farm.plan.cell import Cell
from tests.clients.conftest import run
from tests.clients.shop import python
from tests.publish.staging import PACK, member, tar_of
from workers.verify import uv as ours

LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
CELL, BUILD = Cell.parse("3.13.5-debian13-amd64"), "2026112201"
BLOCK = 128 << 10


def xz(tar):
    return subprocess.run(["xz", "-c"], input=tar, capture_output=True, check=True).stdout


def windowed(tar, log):
    """One frame of zstd that asks for a window of two to this power, of blocks that are not compressed."""
    parts = [tar[at : at + BLOCK] for at in range(0, len(tar), BLOCK)]
    blocks = [(len(part) << 3 | (part is parts[-1])).to_bytes(3, "little") + part for part in parts]
    return b"".join([b"\x28\xb5\x2f\xfd\0", bytes([(log - 10) << 3]), *blocks])


FORMS = {**PACK, "tar.xz": xz, "128 MiB": partial(windowed, log=27), "256 MiB": partial(windowed, log=28)}


@pytest.fixture
def installed(uv, home, tmp_path, host_arch):
    """Installs an archive of these members; where it lies then, or what uv said of it."""

    def call(tar, form="tar.zst", ok=True, stem="python"):
        archive = tmp_path / f"{stem}.{form if form.startswith('tar') else 'tar.zst'}"
        archive.write_bytes(FORMS[form](tar))
        family = {"amd64": "x86_64", "arm64": "aarch64"}[host_arch]
        entry = {"name": "cpython", "arch": {"family": family}, "os": "linux", "libc": "gnu", "url": archive.as_uri()}
        entry |= {"major": 3, "minor": 13, "patch": 5, "sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}
        said = uv("install", "3.13", index={"ours": entry}, ok=ok)
        found = [path for path in Path(home["HOME"], ".local/share/uv/python").glob("cpython-3.13.5-*") if path.is_dir()]
        return found[0] if ok else said

    return call


def moved(top):
    """Our members with another folder, or none, on top."""
    for info, content in python(CELL, BUILD):
        info.name = f"{top}{info.name.removeprefix('python').removeprefix('/')}"
        if info.name not in ("", "./"):
            yield info, content


@pytest.mark.parametrize("form", ["tar.gz", "tar.zst", "128 MiB"])
@pytest.mark.parametrize("top", ["python/", "./py/", "./", "python/install/"], ids=["ours", "another", "none", "full"])
def test_whatever_the_folder_on_top_is_called(installed, home, form, top):
    assert run(home, installed(tar_of(moved(top)), form) / "bin" / "python3").split() == ["Python", "3.13.5", BUILD]


def with_more(*members):
    return tar_of([*python(CELL, BUILD), *members])


@pytest.mark.parametrize(
    ("tar", "form", "said"),
    [
        (with_more(member("metadata.json")), "tar.zst", "failed to symlink"),
        (tar_of(moved("opt/python/3.13/")), "tar.zst", "failed to symlink"),
        (with_more(member("python/evil", type=LINK, linkname="/etc")), "tar.gz", "is absolute"),
        (with_more(member("python/evil", type=LINK, linkname="evil")), "tar.gz", "symbolic-link target"),
        (with_more(), "tar.xz", "unsupported compression method"),
        (with_more(), "256 MiB", "too much memory"),
    ],
    ids=["a file beside the folder", "three folders deep", "an absolute link", "a link to itself", "xz", "a wide window"],
)
def test_what_it_refuses(installed, tar, form, said):
    assert said in installed(tar, form, ok=False)


def test_hard_links_are_taken_and_names_that_it_wants_are_added(installed, home):
    kept = [each for each in python(CELL, BUILD) if each[0].name not in ("python/bin/python", "python/bin/python3")]
    tar = tar_of([*kept, member("python/bin/same", type=HARD, linkname="python/bin/python3.13")])
    found = installed(tar)
    assert run(home, found / "bin" / "same") == run(home, found / "bin" / "python")
    assert not (found / "bin" / "python3").exists(), "python3 is ours to ship"


def test_a_plus_in_an_address_may_be_escaped(installed):
    """On loopback and on a disk; buckets take a bare one for a space, so no name of ours has one."""
    assert installed(with_more(), stem="3.13.5+20261122").is_dir()


# --- what it changes ------------------------------------------------------------------------------------------------

VALUES = {
    "prefix": "/install",
    "LIBDIR": "/install/lib",
    "INCLUDES": "/install/include /install/lib  -I/usr/include",
    "LDFLAGS": "-L/install/lib -Wl,-rpath,/install/lib",
    "QUOTED": 'it\'s \\ a "word"',
    "CC": "gcc -pthread",
    "empty": "",
    "odd": "tab of spaces    thön '  /install",
    "VERSION": "3.13",
    "Py_DEBUG": 0,
    "SIZE": -3,
}
PC = "# python\nprefix=/install\nexec_prefix=/install\nlibdir=/install/lib\nCflags: -I/install/include\n"


def test_it_rewrites_what_our_check_rewrites_and_leaves_the_rest(installed):
    """The check `moved.uv` looks at a copy that we changed as uv does: this is uv itself, on the same files."""
    data = f"{ours.HEADER}build_time_vars = {VALUES!r}\nimport os\n"
    script = b"#!/install/bin/python3.13\n"
    name = "lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py"
    members = [each for each in python(CELL, BUILD) if not each[0].name.endswith(name)]
    more = {name: data.encode(), "lib/pkgconfig/python-3.13.pc": PC.encode(), "bin/pip3": script}
    found = installed(tar_of([*members, *(member(f"python/{path}", content, mode=0o755) for path, content in more.items())]))
    assert (found / name).read_text() == ours.sysconfigdata(data, str(found))
    assert (found / "lib/pkgconfig/python-3.13.pc").read_text() == ours.pkgconfig(PC)
    assert (found / "bin/pip3").read_bytes() == script


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        ("CC", "clang -pthread", "cc -pthread"),
        ("CC", "/usr/bin/aarch64-linux-gnu-gcc -pthread", "cc -pthread"),
        ("CXX", "clang++ -pthread", "c++ -pthread"),
        ("CFLAGS", "-O2 -isysroot /sdk -g", "-O2 -g"),
        ("CC", "gcc -pthread", "gcc -pthread"),
        ("CXX", "/usr/bin/g++", "/usr/bin/g++"),
    ],
)
def test_it_takes_away_words_of_its_own_makers_machines(installed, name, value, left):
    """None of which ours have: they name `gcc` and `g++`, which it leaves alone."""
    path = "lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py"
    data = f"{ours.HEADER}build_time_vars = { ({name: value})!r}\n"
    kept = [each for each in python(CELL, BUILD) if not each[0].name.endswith(path)]
    text = (installed(tar_of([*kept, member(f"python/{path}", data.encode())])) / path).read_text()
    assert ours.parse(text)[name] == left
