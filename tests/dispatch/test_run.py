"""Whole runs: real broker, real Celery worker, a folder as the store; only the pipeline is a fake."""

import os
import signal

import pytest

from farm.dispatch.queue import TaskQueue
from farm.dispatch.submit import Wish
from farm.errors import EXIT_CELLS_FAILED, EXIT_OK, EngineUnavailable
from farm.plan.cell import Cell
from farm.store import run_keys
from farm.wire.routes import build_queue
from tests.dispatch.conftest import alive, eventually
from tests.dispatch.making import cell, recipe, wish

ONE = str(cell())
TWO = "3.12.11-debian13"


def ends(report):
    return {one.cell: one.end for one in report.cells}


def is_building(view):
    return any(one.state == "building" and one.step == "compile" for one in view.cells)


def test_a_cell_is_published_and_the_second_run_has_nothing_to_do(farm):
    report = farm.submit("3.13.5-debian13", TWO)
    assert ends(report) == {ONE: "published", str(cell(TWO)): "published"}
    assert report.exit_code == EXIT_OK
    assert [one.steps[-1].step for one in report.cells] == ["stage", "stage"]
    assert list(farm.store.list("staging/")) == []
    log = farm.store.get(report.cells[0].log)[0].decode()
    assert f"compiling {ONE}" in log
    assert "=== built" in log
    before = farm.started()
    again = farm.submit("3.13.5-debian13", TWO, probe=("false",))
    assert set(ends(again).values()) == {"already published"}
    assert again.seconds < 2
    assert farm.started() == before


def test_a_transient_failure_is_tried_again(farm):
    farm.says(ONE, "transient", "ok")
    report = farm.submit()
    assert ends(report) == {ONE: "published"}
    assert report.cells[0].attempts == 2
    assert farm.store.get(run_keys.log(report.run, cell(), 1)) is not None


def test_a_transient_failure_is_tried_only_so_often(farm):
    farm.says(ONE, "transient")
    report = farm.submit()
    assert ends(report) == {ONE: "failed"}
    assert [attempt for _, attempt, _ in farm.started()] == [1, 2, 3]
    assert report.exit_code == EXIT_CELLS_FAILED
    assert report.cells[0].failure.kind == "transient"


@pytest.mark.parametrize("kind", ["build-failed", "verification-failed", "bug"])
def test_a_failure_of_its_own_is_not_tried_again(farm, kind):
    farm.says(ONE, kind)
    report = farm.submit()
    assert ends(report) == {ONE: "failed"}
    assert len(farm.started()) == 1
    assert report.exit_code == EXIT_CELLS_FAILED
    failed = report.cells[0]
    assert failed.failure.kind == ("internal" if kind == "bug" else kind)
    assert failed.failure.step == "compile"
    assert any(("Traceback" if kind == "bug" else f"this one is {kind}") in line for line in failed.log_tail)
    assert bool(list(farm.store.list("staging/"))) == (kind == "verification-failed")


def test_with_fail_fast_the_rest_is_not_built(farm):
    farm.settings = farm.settings.model_copy(update={"slots": 1})
    farm.says(ONE, "build-failed")
    report = farm.submit("3.13.5-debian13", TWO, "3.11.9-debian13", fail_fast=True)
    assert ends(report)[ONE] == "failed"
    assert "not built" in ends(report).values()
    assert report.exit_code == EXIT_CELLS_FAILED


def test_an_arch_that_nobody_builds_is_said_and_the_rest_is_built(farm):
    foreign = Cell.parse("3.13.5-debian13-riscv64")
    both = farm.submission_of([wish(), Wish(foreign, recipe(foreign), "dev", "riscv64-unknown-linux-gnu")])
    report = both.perform(farm.store, lambda: farm.publish)
    assert ends(report) == {ONE: "published", "3.13.5-debian13-riscv64": "failed"}
    assert "no live worker builds debian13 for riscv64" in report.cells[1].failure.message


def test_what_fails_in_resolving_fails_the_cells_of_its_distro(farm):
    farm.says("resolve", "build-failed")
    report = farm.submit()
    assert ends(report) == {ONE: "failed"}
    assert farm.started() == []


def test_duplicate_wake_ups_are_harmless(farm):
    release = farm.hold(ONE)

    def wake_again():
        broker = farm.settings.model_copy(update={"broker_url": farm.mail().url})
        queue, name = TaskQueue(broker), build_queue(cell().arch, cell().distro)
        for _ in range(3):
            queue.wake(farm.last.run, cell(), name)
        mail = farm.mail()
        eventually(lambda: not mail.waiting(name))
        release()

    farm.when(is_building, wake_again)
    report = farm.submit()
    assert ends(report) == {ONE: "published"}
    assert len(farm.started()) == 1
    assert len(list(farm.store.list(run_keys.attempts(report.run)))) == 1


def test_redis_may_be_flushed_at_any_moment(farm):
    farm.settings = farm.settings.model_copy(update={"slots": 1})
    release = farm.hold(ONE)

    def flush():
        farm.mail().clear()
        release()

    farm.when(is_building, flush)
    report = farm.submit("3.13.5-debian13", TWO)
    assert set(ends(report).values()) == {"published"}
    assert sorted(attempt for _, attempt, _ in farm.started()) == [1, 1]


def test_a_broker_that_is_killed_comes_back_and_the_build_goes_on(farm):
    release = farm.hold(ONE)

    def kill():
        broker = farm.last.farm.broker
        pid = broker.process.pid
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: broker.process.pid != pid)
        release()

    farm.when(is_building, kill)
    report = farm.submit()
    assert ends(report) == {ONE: "published"}
    assert len(farm.started()) == 1


def test_a_killed_worker_costs_an_attempt_and_the_next_one_succeeds(farm):
    release = farm.hold(ONE)

    def kill():
        slot = farm.started()[0][2]
        os.kill(farm.last.farm.worker.process.pid, signal.SIGKILL)
        eventually(lambda: not alive(slot))
        release()

    farm.when(is_building, kill)
    report = farm.submit()
    assert ends(report) == {ONE: "published"}
    assert [attempt for _, attempt, _ in farm.started()] == [1, 2]
    outcomes = [stat.key.rpartition("/")[2] for stat in farm.store.list(run_keys.outcomes(report.run))]
    assert outcomes == ["1.transient.json", "2.published.json"]
    assert b"the builder was lost" in farm.store.get(run_keys.log(report.run, cell(), 1))[0]


def test_a_slot_that_dies_is_noticed_and_bounded(farm):
    farm.says(ONE, "die")
    report = farm.submit()
    assert ends(report) == {ONE: "failed"}
    assert [attempt for _, attempt, _ in farm.started()] == [1, 2, 3]


def test_without_an_engine_nothing_is_started(farm):
    probe = ("sh", "-c", "printf 'error: nothing answers\n  hint: start it\n' >&2; exit 4")
    with pytest.raises(EngineUnavailable, match="nothing answers") as caught:
        farm.submit(probe=probe)
    assert caught.value.hint == "start it"
    assert not farm.settings.state.exists()


def test_a_configured_broker_is_used_and_no_worker_is_started_unless_asked_for(farm, broker):
    farm.settings = farm.settings.model_copy(update={"broker_url": broker.url})
    report = farm.submit(with_worker=False, probe=("false",))
    assert ends(report) == {ONE: "failed"}
    assert "no live worker" in report.cells[0].failure.message
    assert farm.last.farm.worker is None
    assert farm.last.farm.broker is None
    assert ends(farm.submit(with_worker=True)) == {ONE: "published"}
    assert broker.process.poll() is None
