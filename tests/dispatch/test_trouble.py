"""Runs whose store, engine or publisher is in trouble: what waits, what ends, and what is said of it."""

import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from farm.dispatch.journal import Journal
from farm.dispatch.loop import Loop
from farm.dispatch.publishing import PublishingService as Service
from farm.errors import Conflict, EngineUnavailable, NoRoomHere, StoreUnavailable
from farm.store.folder import FolderStore
from tests.dispatch.conftest import TEMPO, eventually
from tests.dispatch.making import cell

ONE = str(cell())
TWO = "3.12.11-debian13"


def ends(report):
    return {one.cell: one.end for one in report.cells}


class Full(FolderStore):
    """A folder on a disk that has room for all but how attempts ended, until there is some."""

    room = False
    asked = 0

    def put(self, key, *args, **kwargs):
        if "/outcomes/" in key and not self.room:
            self.asked += 1
            raise StoreUnavailable("no space left on device", hint="make room in the store")
        return super().put(key, *args, **kwargs)


@pytest.mark.parametrize("said", ["ok", "build-failed"])
def test_a_store_that_takes_nothing_ends_the_run_with_a_word_about_it(farm, said):
    farm.says(ONE, said)
    farm.store = Full(Path(farm.settings.store))
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="no space left") as caught:
        farm.submit(tempo=replace(TEMPO, patience_s=2.0))
    assert time.monotonic() - began < 30
    assert caught.value.hint == f"make room in the store; `farm resume {farm.last.run}` then builds what is missing"
    assert Journal.open_runs(farm.store) == [], "an open run keeps what it staged for ever"
    assert not list(farm.store.list("staging/"))
    assert list((farm.settings.state / "running").iterdir()) == []
    assert farm.store.asked > 1
    assert "tried again: no space left on device" in {one.note for view in farm.watching.views for one in view.cells}


def test_room_that_is_made_in_time_costs_nothing(farm):
    farm.store = Full(Path(farm.settings.store))

    def make_room():
        eventually(lambda: farm.store.asked > 1)
        farm.store.room = True

    maker = threading.Thread(target=make_room)
    maker.start()
    report = farm.submit()
    maker.join()
    assert ends(report) == {ONE: "published"}
    assert len(farm.started()) == 1


@pytest.mark.parametrize("error", [EngineUnavailable("the engine is gone"), Conflict("somebody else published")])
def test_what_may_pass_within_a_minute_costs_no_attempt(farm, error):
    publish, errors = farm.publish, [error, error]

    def publishing(planned, result):
        if errors:
            raise errors.pop()
        return publish(planned, result)

    farm.publish = publishing
    report = farm.submit()
    assert ends(report) == {ONE: "published"}
    assert len(farm.started()) == 1


def test_without_room_here_a_run_waits_longer_than_its_patience_and_loses_nothing(farm):
    publish, until = farm.publish, time.monotonic() + 6

    def publishing(planned, result):
        if time.monotonic() < until:
            raise NoRoomHere("/tmp cannot be written: No space left on device")
        return publish(planned, result)

    farm.publish = publishing
    report = farm.submit(tempo=replace(TEMPO, patience_s=1.0, roomless_s=0.5))
    assert ends(report) == {ONE: "published"}
    assert len(farm.started()) == 1
    notes = {one.note for view in farm.watching.views for one in view.cells}
    assert "tried again: /tmp cannot be written: No space left on device" in notes


class Settling(Loop):
    """A loop of which only what ends an attempt is there."""

    def __init__(self):
        self._settling, self._unrecorded, self._notes, self.ended = {}, set(), {}, []

    def done(self, key, outcome):
        self._settling[key] = Future()
        if isinstance(outcome, Exception):
            self._settling[key].set_exception(outcome)
        else:
            self._settling[key].set_result(outcome)

    def _end(self, cell, number, outcome):
        self.ended.append((cell, number))


def test_the_trouble_of_one_attempt_is_over_when_the_store_takes_what_came_of_another():
    loop = Settling()
    loop.done(("one", 1), Conflict("somebody else published"))
    with pytest.raises(Conflict):
        loop._collect()
    assert loop._unrecorded
    loop.done(("two", 1), "an outcome")
    assert loop._collect()
    assert not loop._unrecorded
    assert loop.ended == [("two", 1)]


@pytest.mark.parametrize(("settler", "said"), [(None, True), (object(), False)])
def test_whoever_waits_for_a_publisher_elsewhere_is_told_so(settler, said):
    loop = Settling()
    loop._means, loop._tempo = SimpleNamespace(settler=settler), TEMPO
    loop._lookout = SimpleNamespace(unsettled=lambda longer_than_s: ["one"] if longer_than_s == TEMPO.unsettled_s else [])
    assert ("does one run?" in loop._unsettled().get("one", "")) == said


def test_a_run_without_a_publisher_says_so_and_ends_when_there_is_one(farm):
    farm.settings = farm.settings.model_copy(update={"publisher": "service"})
    publish = Service(farm.store, farm.publish, str, TEMPO, lambda *_, **__: None)
    farm.when(lambda view: any("does one run?" in one.note for one in view.cells), publish.turn)
    submission = farm.submission(tempo=replace(TEMPO, unsettled_s=1.0))
    untold = threading.Timer(60, publish.turn)
    untold.daemon = True
    untold.start()
    report = submission.perform(farm.store, lambda: None)
    untold.cancel()
    assert ends(report) == {ONE: "published"}
    assert not farm.watching.acts, "it was told, and then published"
