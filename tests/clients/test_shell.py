"""`get-python.sh`, for hosts that have neither Python nor a client of ours: in dash, and in busybox with its own tools."""

from __future__ import annotations

import platform
import tarfile
import threading
from http.server import ThreadingHTTPServer

import pytest

from farm.store import keys
from tests.clients.conftest import run
from tests.clients.shop import CHANNEL
from tests.publish.staging import member
from tests.store.test_sink import Endless

HOSTS = ("dpkg", "dpkg-query", "sed")  # what facts of Debian's family ask for packages with
OLD, NEW = "2026112201", "2026112202"
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
OLD, NEW = "2026112201", "2026112202"
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
APPLETS = [
    "sh",
    "tar",
    "gzip",
    "awk",
    "sha256sum",
    "mktemp",
    "mv",
    "rm",
    "rmdir",
    "mkdir",
    "uname",
    "dirname",
    "cat",
    "cp",
    "wc",
    "id",
]


def cell(python="3.13.5", variant="", arch=MACHINE):
    return f"{python}-debian13-{arch}{variant}"


def installed(home, tmp_path):
    return run(home, tmp_path / "out" / "python" / "bin" / "python3").split()[1:]


def test_it_installs_the_newest_and_replaces_an_older_one(shop, get, home, tmp_path):
    shop.offer(cell("3.13.5"), NEW)
    shop.offer(cell("3.13.10"), OLD)
    shop.offer(cell("3.13.11rc2"), OLD)
    shop.offer(cell("3.13.11", "-freethreaded"), OLD)
    shop.offer(cell("3.13.12", arch="arm64" if MACHINE == "amd64" else "amd64"), OLD)
    get(python="3.13.5")
    assert installed(home, tmp_path) == ["3.13.5", NEW]
    get(python="3.13.10")
    assert installed(home, tmp_path) == ["3.13.10", OLD]
    get()
    assert installed(home, tmp_path) == ["3.13.11rc2", OLD]
    shop.offer(cell("3.13.11"), OLD)
    get()
    assert installed(home, tmp_path) == ["3.13.11", OLD]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["python"]


def test_a_variant_is_taken_when_it_is_asked_for_and_no_other(shop, get, home, tmp_path):
    shop.offer(cell("3.14.0"), OLD)
    shop.offer(cell("3.14.1", "-freethreaded"), OLD)
    shop.offer(cell("3.14.2", "-freethreaded-debug"), OLD)
    for words, version in (
        (["--variant", "freethreaded"], "3.14.1"),
        (["--variant", "freethreaded-debug"], "3.14.2"),
        (["--variant", "default"], "3.14.0"),
    ):
        get(*words, python="3.14")
        assert installed(home, tmp_path) == [version, OLD]
    assert "no Python 3.14 (debug) for debian13" in get("--variant", "debug", python="3.14", ok=False)


def test_it_names_the_packages_that_are_needed_and_not_those_that_may_be(shop, get):
    shop.offer(cell(), OLD)
    assert "that it needs" not in get()
    shop.offer(cell(), NEW, runtime=("libssl3t64", "libstdc++6", "libssl3t64"))
    assert get().splitlines()[-1] == "packages of debian13 that it needs: libssl3t64 libstdc++6"


def test_prereleases_are_in_their_order(shop, get, home, tmp_path):
    for python in ("3.15.0b4", "3.15.0rc1", "3.15.0a7", "3.15.0rc2"):
        shop.offer(cell(python))
    get(python="3.15")
    assert installed(home, tmp_path)[0] == "3.15.0rc2"


def test_what_was_changed_or_is_not_there_is_not_installed(shop, get, tmp_path):
    entry = shop.offer(cell())
    assert "no Python 3.1 for" in get(python="3.1", ok=False)
    assert "has nothing for debian13" in get("--channel", "nightly", ok=False)
    shop.spoil(entry.archives[0].key)
    assert "has not the bytes" in get(ok=False)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_of_somebody_else_stays(shop, get, tmp_path):
    shop.offer(cell())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("x")
    assert "no Python of ours" in get(to=tmp_path / "mine", ok=False)
    assert (tmp_path / "mine" / "precious").read_text() == "x"


def test_an_old_list_is_refused_where_a_newer_build_is(shop, get, home, tmp_path):
    path = shop.store.root / keys.sums(CHANNEL, "debian13")
    shop.offer(cell(), OLD)
    old = path.read_bytes()
    shop.offer(cell(), NEW)
    get()
    path.write_bytes(old)
    assert f"{NEW}-install_only.tar.gz, and the channel only an older one" in get(ok=False)
    assert installed(home, tmp_path) == ["3.13.5", NEW]
    get(to=tmp_path / "out" / "another")
    get("--older")
    assert installed(home, tmp_path) == ["3.13.5", OLD]


def test_the_list_of_another_distro_is_of_no_use(shop, get, tmp_path):
    shop.offer(cell())
    shop.offer(cell().replace("debian13", "debian12"))
    (shop.store.root / keys.sums(CHANNEL, "debian13")).write_text(shop.text(keys.sums(CHANNEL, "debian12")))
    assert "no Python 3.13 for debian13" in get(ok=False)


# --- archives that are none of ours ---------------------------------------------------------------------------------

LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
DATED = "a/a 1 2020-01-01 00:00:00 "
UNSAFE = {
    "a climbing path": ([member("python/../../evil")], ""),
    "a path that climbs at once": ([member("../evil")], ""),
    "an absolute path": ([member("/python/evil")], ""),
    "a path beside the top folder": ([member("evil")], "evil is not below python/"),
    "a path that begins like it": ([member("pythonevil/x")], "pythonevil/x is not below python/"),
    "a dot in a path": ([member("python/./evil")], "is not below python/"),
    "a device": ([member("python/evil", type=tarfile.CHRTYPE)], "neither file, folder nor"),
    "a block device": ([member("python/evil", type=tarfile.BLKTYPE)], "neither file, folder nor"),
    "a pipe": ([member("python/evil", type=tarfile.FIFOTYPE)], "neither file, folder nor"),
    "a hard link": ([member("python/evil", type=HARD, linkname="python/bin/python3.13")], "neither file, folder nor"),
    "a hard link out": ([member("python/evil", type=HARD, linkname="/etc/passwd")], ""),
    "setuid": ([member("python/evil", mode=0o4755)], "evil is setuid"),
    "setgid": ([member("python/evil", mode=0o2755)], "evil is setuid"),
    "sticky": ([member("python/evil", mode=0o1755)], "evil is setuid"),
    "writable by everybody": ([member("python/evil", mode=0o666)], "or for others to write"),
    "an absolute link": ([member("python/evil", type=LINK, linkname="/etc")], "the link python/evil leads out, to /etc"),
    "a link to the folder above": ([member("python/evil", type=LINK, linkname="..")], "leads out"),
    "a climbing link": ([member("python/bin/evil", type=LINK, linkname="../../x")], "leads out, to ../../x"),
    "a link that climbs later": ([member("python/bin/evil", type=LINK, linkname="x/../../../x")], "leads out"),
    "a path behind a link": (
        [member("python/evil", type=LINK, linkname="lib"), member("python/evil/x/y")],
        "python/evil/x/y lies behind the link python/evil",
    ),
    "a path before its link": (
        [member("python/evil/x"), member("python/evil", type=LINK, linkname="lib")],
        "python/evil/x lies behind the link python/evil",
    ),
    "a name twice": ([member("python/bin/python3.13", mode=0o644)], "python/bin/python3.13 is there twice"),
    "an owner that looks like a line": (
        [member("evil", type=LINK, linkname="/etc", uname=f"{DATED}python", gname="x -> safe")],
        "",
    ),
    "an owner that looks like a name": ([member("python/evil", uname=f"{DATED}p", gname="x")], "a form that is not ours"),
    "a name of two lines": ([member("python/x\n../evil")], ""),
}


@pytest.mark.parametrize("what", UNSAFE)
def test_an_unsafe_archive_is_not_unpacked(shop, get, home, tmp_path, what):
    extra, said = UNSAFE[what]
    shop.offer(cell(), extra=extra)
    output = get(ok=False)
    assert "is unsafe" in output
    assert said in output
    assert list((tmp_path / "out").iterdir()) == []
    assert not list(tmp_path.rglob("evil*"))


def test_links_and_names_that_stay_inside_are_taken(shop, get, tmp_path):
    names = ("python/lib/launcher manifest.xml", "python/lib/script (dev).tmpl", f"python/lib/{'long/' * 30}x")
    links = {"python/lib/a": "../bin/python3", "python/lib/deep/b": "..", "python/lib/deep/c": "../../bin"}
    shop.offer(
        cell(),
        extra=[
            *(member(name, b"x") for name in names),
            *(member(name, type=LINK, linkname=target, mode=0o777) for name, target in links.items()),
        ],
    )
    get()
    assert all((tmp_path / "out" / name).read_bytes() == b"x" for name in names)
    assert {name: str((tmp_path / "out" / name).readlink()) for name in links} == links


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"archive_bytes": 100}, "cannot be fetched"),
        ({"tree_bytes": 2048}, "more than 2048 bytes"),
        ({"tree_members": 3}, "more than 3 members"),
    ],
)
def test_too_much_is_refused(shop, get, tmp_path, limits, said):
    shop.offer(cell())
    assert said in get(ok=False, **limits)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_with_holes_takes_no_more_than_is_allowed(shop, get, tmp_path):
    told = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "python/big", "GNU.sparse.realsize": "9" * 12}
    holes = f"1\n{'9' * 12}\n0\n".encode().ljust(512, b"\0")
    shop.offer(cell(), extra=[member("python/big", holes, pax_headers=told)])
    if get.program == "dash":  # with GNU tar, which knows of holes
        assert "more than 4000000000 bytes" in get(ok=False)
    else:
        get()
        assert (tmp_path / "out/python/big").stat().st_size == 512


def test_a_server_that_never_stops_sending_is_hung_up_on(shop, get, tmp_path):
    shop.offer(cell())
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        server.asked, server.sent = [], 0
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            said = get("--from", f"http://127.0.0.1:{server.server_port}", ok=False, list_bytes=1 << 20)
        finally:
            server.shutdown()
    assert "has nothing for debian13" in said
    assert server.sent < 100 << 20
    assert list((tmp_path / "out").iterdir()) == []
