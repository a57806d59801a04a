"""mise: the table of a version, as a channel has it, and the one in docs/clients.md that follows a series."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.plan.cell import Cell
from farm.store import keys
from tests.clients.conftest import run
from tests.clients.shop import CHANNEL

OLD, NEW = "2026112201", "2026112202"
PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
PLATFORMS = {"amd64": ("x86_64", "linux-x64"), "arm64": ("aarch64", "linux-arm64")}


def cell(arch, python="3.13.5"):
    return f"{python}-debian13-{arch}"


@pytest.fixture
def mised(home, tmp_path, mise):
    """Runs mise in a folder with this table."""
    folder = tmp_path / "project"
    folder.mkdir()
    asks = {"MISE_YES": "1", "MISE_TRUSTED_CONFIG_PATHS": str(folder), "MISE_OFFLINE": "0"}

    def call(*words, table, ok=True):
        (folder / "mise.toml").write_text(table)
        return run(home | asks, mise, *words, cwd=folder, ok=ok)

    return call


@pytest.fixture
def pinned(shop, mised):
    def call(*words, name, ok=True):
        return mised(*words, table=shop.text(keys.mise(CHANNEL, Cell.parse(name))), ok=ok)

    return call


def test_mise_installs_it(shop, pinned, host_arch):
    shop.offer(cell(host_arch), OLD)
    shop.offer(cell("arm64" if host_arch == "amd64" else "amd64"), NEW)
    pinned("install", name=cell(host_arch))
    assert pinned("exec", "--", "python3", name=cell(host_arch)).split()[-3:] == ["Python", "3.13.5", OLD]


def test_mise_refuses_what_was_changed(shop, pinned, host_arch):
    entry = shop.offer(cell(host_arch))
    shop.spoil(next(archive.key for archive in entry.archives if archive.format == "tar.zst"))
    assert "hecksum" in pinned("install", name=cell(host_arch), ok=False)


def test_a_table_needs_both_or_neither_of_what_takes_the_folder_off(shop, mised, home, host_arch):
    """With `bin_path` alone mise leaves the folder on top, says nothing, and runs another Python or none."""
    shop.offer(cell(host_arch))
    table = shop.text(keys.mise(CHANNEL, Cell.parse(cell(host_arch))))
    mised("install", table=table.replace("strip_components = 1\n", ""))
    where = Path(home["HOME"], ".local/share/mise/installs/http-cpython/3.13.5")
    assert (where / "python" / "bin" / "python3").exists()
    assert not (where / "bin").exists()


# --- a series -------------------------------------------------------------------------------------------------------


@pytest.fixture
def following(shop, mised, host_arch):
    """With the table of docs/clients.md, on this store and machine."""
    head = '[tools."http:cpython"]\n'
    table = head + PAGE.read_text("utf-8").partition(f"```toml\n{head}")[2].partition("```")[0]
    machine, name = PLATFORMS[host_arch]
    for said, here in {
        "https://python.example.org": shop.base_url,
        "x86_64": machine,
        "linux-x64": name,
        "/amd64/": f"/{host_arch}/",
    }.items():
        assert said in table
        table = table.replace(said, here)

    def call(*words, ok=True):
        return mised(*words, table=table, ok=ok)

    return call


def test_mise_follows_a_series_by_the_list_of_checksums(shop, following, host_arch):
    for python, build in (("3.13.9", NEW), ("3.13.10", OLD), ("3.14.0", OLD), ("3.15.0a7", OLD)):
        shop.offer(cell(host_arch, python), build)
    shop.offer(cell("arm64" if host_arch == "amd64" else "amd64", "3.13.11"), OLD)
    shop.offer(f"{cell(host_arch, '3.13.12')}-freethreaded", OLD)
    listed = [line.partition("-")[0] for line in following("ls-remote", "http:cpython").split()]
    assert listed == ["3.13.9", "3.13.10", "3.14.0"]
    following("install")
    assert following("exec", "--", "python3").split()[-3:] == ["Python", "3.13.10", OLD]
    shop.offer(cell(host_arch, "3.13.10"), NEW)
    following("cache", "clear")
    assert f"{OLD} → " in following("upgrade")
    assert following("exec", "--", "python3").split()[-3:] == ["Python", "3.13.10", NEW]


def test_mise_compares_what_it_locked(shop, following, host_arch):
    entry = shop.offer(cell(host_arch))
    assert "could not resolve a checksum" not in following("lock", "--platform", PLATFORMS[host_arch][1])
    zst = next(archive for archive in entry.archives if archive.format == "tar.zst")
    (path,) = shop.store.root.parent.rglob("mise.lock")
    assert f"sha256:{zst.sha256}" in path.read_text()
    shop.spoil(zst.key)
    assert "hecksum" in following("install", ok=False)
