"""CPU seconds of steps: of the boxes that the engine had, and of the worker itself; nobody knowing them is no failure."""

from contextlib import contextmanager

import pytest
from pydantic import ValidationError

from farm.store.artifact import StepTime
from farm.wire.messages import Beat
from tests.fakes import ScriptedBox
from workers.engine import metered
from workers.engine.docker import DockerEngine
from workers.engine.metered import MeteredEngine
from workers.engine.protocol import BoxSpec
from workers.reporter import BeatingReporter

BEAT = Beat(
    run="20261129-010203-abcdef",
    cell="3.13.5-debian13-amd64",
    attempt=1,
    worker="w",
    step="start",
    step_started=0,
    started=0,
    steps=(),
    tail=(),
)


@pytest.fixture
def engine(monkeypatch):
    """With the boxes that a test gives; the worker itself uses nothing."""

    @contextmanager
    def box(self, spec):
        yield self.given[spec.image]

    monkeypatch.setattr(DockerEngine, "_described", lambda _self: "an engine")
    monkeypatch.setattr(DockerEngine, "box", box)
    monkeypatch.setattr("docker.DockerClient", lambda **_: None)
    monkeypatch.setattr(metered.os, "times", lambda: (0.5, 0.25, 0.0, 0.25, 9.0))
    return MeteredEngine("unix:///nowhere")


def box(seconds):
    return ScriptedBox({"cgroup": f"usage_usec {int(seconds * 1e6)}\n"})


def test_boxes_count_while_they_are_there_and_afterwards(engine):
    engine.given = {"one": box(3), "two": box(4)}
    assert engine.cpu_seconds() == 1.0
    with engine.box(BoxSpec("one")):
        with engine.box(BoxSpec("two")):
            assert engine.cpu_seconds() == 8.0
        engine.given["one"].script["cgroup"] = "usage_usec 5000000"
    assert engine.cpu_seconds() == 10.0


def test_a_box_that_cannot_tell_makes_the_sum_unknown_and_one_that_failed_does_not(engine):
    engine.given = {"failed": box(3), "mute": ScriptedBox()}
    with pytest.raises(ValueError, match="of the build"), engine.box(BoxSpec("failed")):
        raise ValueError("of the build")
    assert engine.cpu_seconds() == 1.0
    with engine.box(BoxSpec("mute")):
        assert engine.cpu_seconds() is None
    assert engine.cpu_seconds() is None


def told(tmp_path, *used):
    times, spent = iter([10.0, 12.0, 15.0, 16.0]), iter(used)
    reporter = BeatingReporter(None, beat=BEAT, lease_s=9, log=tmp_path / "log", clock=lambda: next(times))
    reporter.cancelled = lambda: False
    reporter.counts(lambda: next(spent))
    reporter.step("compile")
    reporter.step("verify")
    reporter._log.close()
    return [(step.step, step.seconds, step.cpu_seconds, step.cores) for step in reporter.steps]


def test_a_step_is_told_with_the_difference(tmp_path):
    assert told(tmp_path, 1.0, 1.5, 5.5, 5.75) == [
        ("start", 10.0, 0.5, 0.05),
        ("compile", 2.0, 4.0, 2.0),
        ("verify", 3.0, 0.25, 0.25 / 3),
    ]


def test_what_is_not_known_costs_only_the_steps_beside_it(tmp_path):
    assert [step[2] for step in told(tmp_path, 1.0, None, 5.5, 6.0)] == [None, None, 0.5]


def test_metadata_of_before_has_none_and_no_builder_can_tell_nonsense():
    assert StepTime.model_validate_json('{"step": "pack", "seconds": 3.0}').cores is None
    for wrong in (-1, float("inf"), float("nan")):
        with pytest.raises(ValidationError):
            StepTime(step="pack", seconds=3.0, cpu_seconds=wrong)
