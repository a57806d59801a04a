"""What nobody owns any more is found: by its dead process on this host, by its deadline on any; again and again."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import closing

import pytest

from farm.settings import Settings
from tests.fakes import EngineSocket
from workers import app
from workers.engine.owners import DEADLINE, OWNER, half_made, orphaned, owned, owner
from workers.orphans import keep_sweeping

NOW = "2026-11-29T18:20:01.123456789Z"
EPOCH = 1795976401
DEAD, ELSEWHERE = f"{socket.gethostname()}/4194304/1", "elsewhere/1/1"


@pytest.mark.parametrize(
    ("labels", "gone"),
    [
        ({OWNER: owner()}, False),
        ({OWNER: DEAD}, True),
        ({OWNER: ELSEWHERE}, False),
        ({OWNER: ELSEWHERE, DEADLINE: str(EPOCH - 590)}, False),
        ({OWNER: ELSEWHERE, DEADLINE: str(EPOCH - 610)}, True),
        ({OWNER: owner(), DEADLINE: str(EPOCH - 610)}, True),
        ({OWNER: DEAD, DEADLINE: str(EPOCH + 60)}, True),
        ({OWNER: ELSEWHERE, DEADLINE: "soon"}, False),
        ({OWNER: f"{socket.gethostname()}/{os.getpid()}/1"}, True),  # the pid was given to another process
    ],
)
def test_what_nobody_owns(labels, gone):
    assert orphaned(labels, NOW) is gone


@pytest.mark.parametrize(
    ("folders", "driver", "so"), [("v", "local", True), ("v/_data", "local", False), ("", "local", False), ("v", "nfs", False)]
)
def test_a_volume_that_is_no_more_than_a_name(tmp_path, folders, driver, so):
    (tmp_path / folders).mkdir(parents=True, exist_ok=True)
    assert half_made({"Driver": driver, "Mountpoint": f"{tmp_path}/v/_data"}) is so


def test_where_the_engines_files_cannot_be_seen_no_volume_is_half_made(tmp_path, monkeypatch):
    def refused(_path, **_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "v").mkdir()
    monkeypatch.setattr("pathlib.Path.stat", refused)
    assert not half_made({"Driver": "local", "Mountpoint": f"{tmp_path}/v/_data"})


def test_a_deadline_is_told_by_the_engines_clock():
    assert owned(NOW, 60) == {OWNER: owner(), DEADLINE: str(EPOCH + 60)}


def container(name, **labels):
    return {"Id": name, "Config": {"Labels": labels}}


@pytest.fixture
def engine(tmp_path):
    """An engine with a box that nobody owns, one of another host, and one of another host that is past its deadline."""
    there = [
        container("dead", **{OWNER: DEAD}),
        container("other", **{OWNER: ELSEWHERE}),
        container("late", **{OWNER: ELSEWHERE, DEADLINE: str(EPOCH - 610)}),
    ]
    answers = {
        "/_ping": {},
        "/info": {"SystemTime": NOW},
        "/containers/json": [[{"Id": one["Id"]} for one in there]],
        "/volumes": {"Volumes": [{"Name": "v", "Labels": {OWNER: DEAD}}]},
        **{f"GET /v1.41/containers/{one['Id']}/json": one for one in there},
    }
    with closing(EngineSocket(tmp_path / "engine.sock", answers)) as heard:
        yield heard


def removed(engine):
    return [asked.partition("?")[0].rpartition("/")[2] for asked in engine.asked if asked.startswith("DELETE")]


def test_a_worker_sweeps_on_start_and_again(engine):
    over = threading.Event()
    sweeper = threading.Thread(target=keep_sweeping, args=(Settings(engine=engine.url), over, 0.05))
    sweeper.start()
    ends = time.monotonic() + 20
    while len(removed(engine)) < 6 and time.monotonic() < ends:
        time.sleep(0.02)
    over.set()
    sweeper.join()
    assert removed(engine)[:6] == ["dead", "late", "v"] * 2


def test_a_worker_that_shows_itself_sweeps(monkeypatch):
    swept = threading.Event()
    monkeypatch.setattr(app, "keep_sweeping", lambda *_: swept.set())
    monkeypatch.setattr(app.Presence, "_keep_showing", lambda _: None)
    app.Presence().begin()
    assert swept.wait(5)


def test_an_engine_that_is_away_is_asked_again(tmp_path):
    over = threading.Event()
    sweeper = threading.Thread(target=keep_sweeping, args=(Settings(engine=f"unix://{tmp_path}/none.sock"), over, 0.05))
    sweeper.start()
    time.sleep(0.3)
    assert sweeper.is_alive()
    over.set()
    sweeper.join(5)
    assert not sweeper.is_alive()
