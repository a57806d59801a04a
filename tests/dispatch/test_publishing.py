"""`farm publisher` as values: what it keeps of runs while it lives."""

import pytest

from farm.dispatch.journal import Journal
from farm.dispatch.publishing import PublishingService
from farm.dispatch.records import RunPlan
from farm.dispatch.tempo import Tempo
from farm.errors import StoreUnavailable
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
