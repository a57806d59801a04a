"""Fetching of source archives, against a server of our own with python.org's real paths."""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from farm.errors import BadInput, Cancelled, FarmError, Transient
from farm.plan import recipe
from farm.settings import Settings
from farm.store.scratch import PARTS
from tests.workers.conftest import BODY, HURRY, MIRROR, ORG, POOL, SOURCE
from workers.build.sources import fetch, places

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(server, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "PYTHON_ORG", f"{server.url}/ftp/python/")
    monkeypatch.setenv("no_proxy", "*")
    return Settings(
        cache=tmp_path / "cache", source_mirror=f"{server.url}/mirror/", apt_mirror=f"{server.url}/debian", ca_bundle=""
    )


def kept(settings: Settings) -> list[Path]:
    return [path for path in settings.cache.rglob("*") if path.is_file()]


def test_it_comes_from_python_org_and_then_from_the_cache(server, settings, lines):
    server.script = {ORG: ["ok"]}
    path = fetch(SOURCE, settings, lines.append, HURRY)
    assert path.read_bytes() == BODY
    assert path.name == SOURCE.file
    assert fetch(SOURCE, settings, lines.append, HURRY) == path
    assert server.asked == [MIRROR, ORG]
    assert "in the cache" in lines[-1]


def test_the_order_is_mirror_python_org_debian(settings, server):
    assert list(places(SOURCE, settings))[:3] == [server.url + MIRROR, server.url + ORG, server.url + POOL]


def test_the_debian_pool_is_the_last_resort(server, settings, lines):
    server.script = {POOL: ["ok"]}
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY
    assert [line.rpartition(": ")[2] for line in lines[:2]] == ["the server answered 404 Not Found"] * 2


def test_a_redirect_is_followed(server, settings, lines):
    server.script = {ORG: ["moved"], "/moved/Python.tar.xz": ["ok"]}
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY


def test_redirects_have_an_end(server, settings, lines):
    server.script = {ORG: ["loop"]}
    with pytest.raises(BadInput, match="more than 3 redirects"):
        fetch(SOURCE, settings, lines.append, HURRY)


def test_a_server_error_is_asked_again(server, settings, lines):
    server.script = {ORG: ["500", "ok"]}
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY
    assert server.asked == [MIRROR, ORG, ORG]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("500", "the server answered 500"),
        ("truncated", "broke"),
        ("stalled", r"nothing came for 0 s"),
    ],
)
def test_trouble_is_transient_and_nothing_is_kept(server, settings, lines, answer, said):
    server.script = {ORG: [answer]}
    with pytest.raises(Transient, match=said) as caught:
        fetch(SOURCE, settings, lines.append, HURRY)
    assert SOURCE.sha256 in caught.value.hint
    assert "impossible" not in caught.value.message
    assert kept(settings) == []


def test_a_download_is_cancelled_within_seconds(server, settings, lines):
    server.script = {MIRROR: ["stalled"]}
    began = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(SOURCE, settings, lines.append, replace(HURRY, stall_s=60, whole_s=60, cancelled=lambda: bool(server.asked)))
    assert time.monotonic() - began < 20
    assert (server.asked, kept(settings)) == ([MIRROR], [])


@pytest.mark.parametrize(
    ("answer", "said"), [("wrong", "wanted sha256"), ("404", "404 Not Found"), ("huge", "no source archive")]
)
def test_when_nobody_has_it_the_operator_learns_what_to_put_where(server, settings, lines, answer, said):
    server.script = {ORG: [answer]}
    with pytest.raises(BadInput, match=said) as caught:
        fetch(SOURCE, settings, lines.append, HURRY)
    assert caught.value.message.startswith(
        "impossible here, for no place has its source: Python-3.13.5.tar.xz could not be had"
    )
    assert "FARM_SOURCES" in caught.value.hint
    assert SOURCE.sha256 in caught.value.hint
    assert kept(settings) == []


def test_a_wrong_file_is_named_and_the_next_place_asked(server, settings, lines):
    server.script = {MIRROR: ["wrong"], ORG: ["ok"]}
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY
    wrong = hashlib.sha256(b"not Python").hexdigest()
    assert lines[0] == f"{server.url}{MIRROR}: wrong file, not kept: wanted sha256 {SOURCE.sha256}, got {wrong}"
    assert len(kept(settings)) == 1


def test_a_damaged_cached_file_is_fetched_again(server, settings, lines):
    server.script = {ORG: ["ok"]}
    path = fetch(SOURCE, settings, lines.append, HURRY)
    path.write_bytes(BODY[:-1])
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY
    assert any("damaged" in line for line in lines)


def test_the_air_gapped_folder_is_searched_by_hash(server, settings, tmp_path, lines):
    folder = tmp_path / "usb"
    folder.mkdir()
    (folder / "Python-3.13.5.tar.xz").write_bytes(b"truncated when it was copied")
    (folder / "whatever it is called").write_bytes(BODY)
    path = fetch(SOURCE, settings.model_copy(update={"sources": folder}), lines.append, HURRY)
    assert path.read_bytes() == BODY
    assert server.asked == []


def test_a_folder_that_is_none_is_the_operators_mistake(settings, tmp_path, lines):
    with pytest.raises(BadInput, match="FARM_SOURCES names"):
        fetch(SOURCE, settings.model_copy(update={"sources": tmp_path / "gone"}), lines.append, HURRY)


def test_nobody_listening_is_transient(settings, lines):
    dead = settings.model_copy(update={"source_mirror": "http://127.0.0.1:9/"})
    with pytest.raises(Transient, match=r"no connection .*refused"):
        fetch(SOURCE, dead, lines.append, HURRY)


def test_what_a_killed_download_left_is_swept(server, settings, lines):
    server.script = {ORG: ["ok"]}
    left = settings.cache / PARTS / "farm-scratch-dead"
    left.mkdir(parents=True)
    (left / SOURCE.file).write_bytes(b"half")
    fetch(SOURCE, settings, lines.append, HURRY)
    assert [path.name for path in kept(settings)] == [SOURCE.file]
    assert list(left.parent.iterdir()) == []


def _fetch_in_child(settings: Settings, org: str, barrier, results) -> None:
    recipe.PYTHON_ORG = org
    barrier.wait(10)
    try:
        results.put(fetch(SOURCE, settings, lambda _: None, HURRY).read_bytes() == BODY)
    except FarmError as error:
        results.put(error.message)


def test_two_processes_may_fetch_at_once(server, settings):
    server.script = {ORG: ["ok"]}
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    arguments = (settings, recipe.PYTHON_ORG, barrier, results)
    children = [context.Process(target=_fetch_in_child, args=arguments) for _ in range(2)]
    for child in children:
        child.start()
    assert [results.get(timeout=30) for _ in children] == [True, True]
    for child in children:
        child.join(10)
    assert len(kept(settings)) == 1
