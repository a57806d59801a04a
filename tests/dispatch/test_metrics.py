"""Metrics of scheduler, publisher and builders: what they count, and what of it is bounded."""

import pytest

from farm.dispatch.metrics import RETRIED_KINDS, PrometheusMeter
from farm.dispatch.records import Outcome
from farm.errors import BuildFailed, DistroMoved, Failure, Transient
from farm.store import run_keys
from farm.store.artifact import StepTime
from tests.dispatch.conftest import eventually
from tests.dispatch.services import PATIENCE_S, serving
from tests.dispatch.test_command import CELL
from tests.dispatch.test_scheduler import OTHER


@pytest.fixture
def farm(tmp_path, shared):
    with serving(tmp_path, shared) as made:
        yield made


def test_metrics_of_scheduler_and_builder_count_what_happens(farm):
    (farm.script / f"{CELL}.script").write_text("transient ok")
    farm.builder()
    farm.service("scheduler")
    farm.ask()
    farm.over()
    seen = farm.metrics("scheduler")
    assert seen['farm_attempts_ended_total{state="transient",step="compile"}'] == 1
    assert seen['farm_attempts_ended_total{state="published",step=""}'] == 2
    assert seen['farm_retries_total{kind="transient"}'] == 1
    assert seen['farm_grants_total{answer="granted"}'] == 3
    assert seen["farm_grants_lost_total"] == 0
    assert seen['farm_step_duration_seconds_count{step="compile"}'] == 3
    assert seen["farm_queue_age_seconds"] == 0
    assert eventually(lambda: farm.metrics("scheduler")["farm_runs_driven"] == 0, PATIENCE_S)
    built = farm.metrics("worker")
    assert built['farm_builder_attempts_total{state="built"}'] == 2
    assert built['farm_builder_attempts_total{state="transient"}'] == 1
    assert built["farm_builder_slots"] == 2
    assert built['farm_builder_disk_free_bytes{place="work"}'] > 0
    records = farm.records()
    fields = [(record["run"], record["cell"], record["attempt"]) for record in records if "begins" in record["message"]]
    assert len(fields) == 3
    assert {cell for _, cell, _ in fields} == {CELL, OTHER}


def test_a_lost_attempt_is_counted(farm):
    (farm.script / f"{CELL}.script").write_text("die ok")
    farm.worker()
    farm.service("scheduler")
    run = farm.ask()
    farm.over()
    lost = [stat.key for stat in farm.store.list(run_keys.outcomes(run)) if stat.key.endswith(".transient.json")]
    assert lost
    seen = farm.metrics("scheduler")
    assert seen["farm_grants_lost_total"] == len(lost)
    assert (seen['farm_retries_total{kind="lost"}'], seen['farm_retries_total{kind="transient"}']) == (len(lost), 0)


def test_a_builder_that_names_ever_new_steps_costs_no_memory():
    meter = PrometheusMeter()
    for number in range(1000):
        steps = (StepTime(step=f"step {number}", seconds=1.0, cpu_seconds=number % 2 or None),)
        failure = Failure("build-failed", "x", step=f"step {number}")
        meter.ended(Outcome(state="build-failed", at=0.0, failure=failure, steps=steps))
    named = {
        sample.labels["step"] for metric in meter.registry.collect() for sample in metric.samples if "step" in sample.labels
    }
    assert len(named) == 101
    assert meter.registry.get_sample_value("farm_step_duration_seconds_count", {"step": "other"}) == 900
    assert meter.registry.get_sample_value("farm_step_cpu_seconds_total", {"step": "other"}) == 450


def test_retries_are_counted_by_what_made_them_necessary():
    meter = PrometheusMeter()
    for error, lost in ((Transient("x"), False), (DistroMoved("x"), False), (Transient("x"), True), (BuildFailed("x"), False)):
        meter.ended(Outcome(state=error.kind, at=0.0, failure=error.failure()), lost=lost)
    for kind in RETRIED_KINDS:
        assert meter.registry.get_sample_value("farm_retries_total", {"kind": kind}) == 1
    assert meter.registry.get_sample_value("farm_grants_lost_total") == 1


def test_cells_are_counted_by_state_while_they_wait(farm):
    farm.service("scheduler")
    let_go = farm.hold()
    farm.worker()
    farm.ask()
    eventually(lambda: farm.metrics("scheduler")['farm_cells{state="building"}'] >= 1, PATIENCE_S)
    assert farm.metrics("scheduler")["farm_runs_driven"] == 1
    let_go()
    farm.over()


def test_metrics_that_cannot_be_shown_are_said(farm):
    farm.environment |= {"FARM_METRICS": "256.0.0.1:1"}
    code, _, err = farm.run("scheduler")
    assert code == 2
    assert "metrics cannot be shown at 256.0.0.1:1" in err
