"""A copy of a store at another address, after `farm index --base-url`: clients need nothing of the first one."""

from __future__ import annotations

import shutil
import threading

import pytest
from click.testing import CliRunner

from farm.cli.channels import index
from farm.plan.cell import Cell
from farm.store import keys
from farm.store.folder import FolderStore
from farm.store.http import server
from tests.clients.conftest import run, tool
from tests.clients.shop import CHANNEL

BUILD = "2026112201"


@pytest.fixture
def mirror(shop, tmp_path, monkeypatch, host_arch):
    """The copy's store and address; the first one's archives are gone, and nobody may ask for them."""
    name = f"3.13.5-debian13-{host_arch}"
    entry = shop.offer(name, BUILD)
    shop.store.put(keys.published(Cell.parse(name), BUILD, "0" * 16, "1" * 16, CHANNEL).key, b"{}")
    copy = FolderStore(shutil.copytree(shop.store.root, tmp_path / "copy"))
    for archive in entry.archives:
        shop.store.delete(archive.key)
    monkeypatch.setenv("FARM_STORE", str(copy.root))
    monkeypatch.setenv("FARM_STATE", str(tmp_path / "state"))
    with server(copy, "127.0.0.1", 0) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,)).start()
        try:
            address = f"http://127.0.0.1:{running.server_port}"
            CliRunner().invoke(index, ["--base-url", address], catch_exceptions=False)
            yield copy, address
        finally:
            running.shutdown()
    assert shop.asked == []


def test_uv_installs_from_the_copy(mirror, uv, home):
    uv("install", "3.13", index=f"{mirror[1]}/{keys.uv_index(CHANNEL, 'debian13')}")
    assert run(home, f"{home['HOME']}/.local/bin/python3.13").split()[-1] == BUILD


def test_mise_installs_from_the_copy(mirror, mise, home, tmp_path, host_arch):
    store, _ = mirror
    table = store.get(keys.mise(CHANNEL, Cell.parse(f"3.13.5-debian13-{host_arch}")))[0]
    (tmp_path / "mise.toml").write_bytes(table)
    environment = home | {"MISE_YES": "1", "MISE_TRUSTED_CONFIG_PATHS": str(tmp_path)}
    run(environment, mise, "install", cwd=tmp_path)
    assert run(environment, mise, "exec", "--", "python3", cwd=tmp_path).split()[-1] == BUILD


def test_hatch_and_the_script_install_from_the_copy(mirror, home, tmp_path, host_arch):
    store, _ = mirror
    for name, key in {"hatch": keys.hatch(CHANNEL, "debian13", host_arch), "get": keys.get_python()}.items():
        (tmp_path / f"{name}.sh").write_bytes(store.get(key)[0])
    options = f"--private --dir {tmp_path}/pythons"
    run(home, "sh", "-ec", f". {tmp_path}/hatch.sh; {tool('hatch')} --no-color python install 3.13 {options}")
    run(home, "sh", tmp_path / "get.sh", "--distro", "debian13", "3.13", tmp_path / "got")
    for python in (tmp_path / "pythons" / "3.13" / "python" / "bin" / "python3", tmp_path / "got" / "bin" / "python3"):
        assert run(home, python).split()[-1] == BUILD
