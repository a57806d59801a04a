"""`farm publisher` as values: what it keeps of runs while it lives."""

import time

import pytest

from farm.dispatch.journal import Journal, new_run
from farm.dispatch.publishing import PublishingService
from farm.dispatch.records import AttemptNote, RunPlan
from farm.dispatch.tempo import Tempo
from farm.errors import NoRoomHere, StoreUnavailable
from farm.store import run_keys
from farm.wire.messages import STAGED_RESULT, Result
from tests.dispatch.making import wish
from tests.fakes import MemoryStore


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def service(store):
    return PublishingService(store, lambda *_: "", lambda planned: planned, Tempo(), lambda *_, **__: None)


def opened(store, number):
    run = f"20261130-1200{number:02}-abcdef"
    plan = RunPlan(run=run, started="", deadline_s=60, cells=(wish("3.13.5-debian13").planned(),))
    Journal(store, run).ask(plan)
    Journal(store, run).save_plan(plan)
    return run


def test_of_a_run_that_is_over_nothing_stays_in_memory(store, service):
    first, second = opened(store, 1), opened(store, 2)
    service.turn()
    assert set(service._settlers) == set(service._plans) == {first, second}
    Journal(store, first).close()
    service.turn()
    assert set(service._settlers) == set(service._plans) == {second}


def test_a_store_that_is_away_closes_no_run(store, service, monkeypatch):
    run = opened(store, 1)
    service.turn()

    def away(_store):
        raise StoreUnavailable("away")

    monkeypatch.setattr(Journal, "open_runs", away)
    service.turn()
    assert set(service._plans) == {run}


def test_one_cell_that_has_no_room_holds_no_other_up(store):
    run = new_run()
    cells = (wish("3.13.5-debian13"), wish("3.13.6-debian13"))
    plan = RunPlan(run=run, started="", deadline_s=60, cells=tuple(one.planned() for one in cells))
    journal = Journal(store, run)
    journal.ask(plan)
    journal.save_plan(plan)
    for one in cells:
        journal.grant(one.cell, 1, AttemptNote(worker="w", granted=time.time(), deadline_s=60))
        said = Result(run=run, cell=str(one.cell), attempt=1, worker="w", engine="e", recipe="r", inputs="i")
        store.put(run_keys.staging(run, one.cell, 1, STAGED_RESULT), said.model_dump_json().encode())

    asked = []

    def publish(planned, _staged):
        asked.append(planned.cell)
        if planned.cell == str(cells[0].cell):
            raise NoRoomHere("/tmp cannot be written: No space left on device")
        return "catalog/x"

    told = []
    service = PublishingService(store, publish, lambda one: one, Tempo(), lambda text, **_: told.append(text))
    service.turn()
    assert journal.outcome(cells[1].cell).state == "published"
    assert journal.outcome(cells[0].cell) is None
    assert any("No space left on device; trying again" in text for text in told)
    asked.clear()
    service.turn()
    assert asked == [], "it is not fetched again at once"
    Journal(store, run).close()
    service.turn()
    assert not service._postponed
