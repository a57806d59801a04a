"""A store, and `farm pull` as a host of it calls it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from farm.cli import pull as verb
from farm.store import remote
from tests.clients.shop import CHANNEL, serving

CELL, BUILD = "3.13.5-debian13-amd64", "2026112201"


@pytest.fixture
def shop(tmp_path):
    with serving(tmp_path / "store") as found:
        found.offer(CELL, BUILD)
        yield found


@pytest.fixture
def pull(shop, tmp_path, monkeypatch):
    """Call it; gives what it said, as data unless its `text` is wanted. Raises what it raised."""
    release = tmp_path / "os-release"
    release.write_text('ID=debian\nVERSION_ID="13"\n')
    monkeypatch.setattr(verb, "OS_RELEASE", release)
    monkeypatch.setenv("FARM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remote, "_LONGEST_WAIT_S", 0)

    def call(*words, source=shop.base_url, python="3.13", to=tmp_path / "out" / "python", text=False):
        options = ("--arch", "amd64", "--channel", CHANNEL, "--from", source, "--to", str(to), *(() if text else ("--json",)))
        done = CliRunner().invoke(verb.pull, [python, *options, *words], catch_exceptions=True)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout if text else json.loads(done.stdout)

    return call
