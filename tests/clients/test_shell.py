"""`get-python.sh`, for hosts that have neither Python nor a client of ours: in dash, and in busybox with its own tools."""

from __future__ import annotations

import platform
import shutil

import pytest

from farm.sign.keys import Signer
from farm.store import keys
from tests.clients.conftest import run
from tests.clients.shop import CHANNEL

OLD, NEW = "2026112201", "2026112202"
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
APPLETS = ["sh", "tar", "gzip", "awk", "sha256sum", "mktemp", "mv", "rm", "rmdir", "mkdir", "uname", "dirname", "cat"]


@pytest.fixture(params=["dash", "busybox"])
def get(request, shop, home, tmp_path):
    if not (program := shutil.which(request.param)):
        pytest.skip(f"{request.param} is not installed")
    environment = dict(home)
    shell = [program]
    if request.param == "busybox":
        applets = tmp_path / "applets"
        applets.mkdir()
        for name in APPLETS:
            (applets / name).symlink_to(program)
        for name in ("curl", "openssl"):
            (applets / name).symlink_to(shutil.which(name))
        environment["PATH"], shell = str(applets), [str(applets / "sh")]

    def call(*words, python="3.13", to=tmp_path / "out" / "python", ok=True):
        script = tmp_path / "get-python.sh"
        script.write_text(shop.text(keys.get_python()))
        return run(environment, *shell, script, "--distro", "debian13", *words, python, to, ok=ok)

    return call


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


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_with_a_key_nothing_else_is_taken(shop, get, home, tmp_path):
    signer = Signer.new()
    key = tmp_path / "farm.pem"
    key.write_bytes(signer.verifier.pem)
    shop.offer(cell(), OLD, signer=signer)
    get("--key", key)
    assert installed(home, tmp_path) == ["3.13.5", OLD]
    assert signer.verifier.accepts(shop.store.get(f"{keys.get_python()}.sig")[0], shop.text(keys.get_python()).encode())
    path = shop.store.root / keys.sums(CHANNEL, "debian13")
    path.write_text(path.read_text().replace("a", "b"))
    assert "is not signed by" in get("--key", key, ok=False)
    (shop.store.root / keys.signed_sums(CHANNEL, "debian13")).unlink()
    assert "is not signed" in get("--key", key, ok=False)
