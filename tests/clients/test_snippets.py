"""The lines for a shell of the catalog and of `make demo`, run as they stand; `test_dockerfile.py` builds the Dockerfiles."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy import demo
from farm.index import update
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.site.snippets import snippets
from tests.clients.conftest import run, tool
from tests.clients.shop import CHANNEL

SAYS = ["Python", "3.13.5", "2026112201"]


@pytest.fixture
def pasted(shop, home, tmp_path, host_arch):
    """Runs the lines of a snippet in a folder, with these programs in the search path, and `/opt` below that folder."""
    entry = shop.offer(f"3.13.5-debian13-{host_arch}")
    texts = {each.name: each.text for each in snippets(entry, CHANNEL, shop.base_url, load_facts())}
    folder = tmp_path / "here"
    (folder / "opt").mkdir(parents=True)

    def call(name, *programs, more="", ok=True, **environment):
        path = ":".join([*(str(program.parent) for program in programs), home["PATH"]])
        lines = texts[name].replace("/opt", f"{folder}/opt")
        return run(home | environment | {"PATH": path}, "sh", "-ec", f"{lines}\n{more}", cwd=folder, ok=ok)

    call.entry = entry
    return call


def test_curl_fetches_compares_and_unpacks(shop, pasted):
    assert pasted("curl").split()[-3:] == SAYS
    shop.spoil(pasted.entry.archives[0].key)
    assert "FAILED" in pasted("curl", ok=False)


def test_uv_installs(pasted, home, tmp_path):
    pasted("uv", tool("uv"), UV_NO_CONFIG="1", UV_CACHE_DIR=str(tmp_path / "cache"))
    assert run(home, f"{home['HOME']}/.local/bin/python3.13").split() == SAYS


def test_mise_installs(pasted, mise, tmp_path):
    asks = {"MISE_YES": "1", "MISE_TRUSTED_CONFIG_PATHS": str(tmp_path)}
    assert pasted("mise", mise, more="mise exec -- python3", **asks).split()[-3:] == SAYS


def test_make_demo_ends_with_the_catalog_and_a_line_that_works(shop, home, tmp_path, host_arch, monkeypatch, capsys):
    """Its store is a folder, so that uv reads it from the disk."""
    monkeypatch.setenv("FARM_STORE", str(shop.store.root))
    monkeypatch.setattr(demo, "CHANNEL", CHANNEL)
    name = f"{demo.PYTHON}-{demo.DISTRO}-{host_arch}"
    shop.offer(name)
    update.rewrite(shop.store, CHANNEL, base_url=shop.store.root.as_uri())
    demo._say_where(Settings(), Cell.parse(name))
    catalog, line = capsys.readouterr().out.strip().splitlines()
    assert "<title>Python builds" in Path(urlsplit(catalog.removeprefix("The catalog: ")).path).read_text()
    environment = home | {"PATH": f"{tool('uv').parent}:{home['PATH']}", "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(tmp_path)}
    run(environment, "sh", "-ec", line.removeprefix(f"With uv, on {demo.DISTRO}: "))
    assert run(home, f"{home['HOME']}/.local/bin/python3.13").split() == SAYS
