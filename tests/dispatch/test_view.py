"""How a cell will be built, by the workers that there are, and that a person is told."""

from farm.dispatch.decide import Sight
from farm.dispatch.loop import wanted
from farm.dispatch.records import PlannedCell, RunPlan
from farm.dispatch.resolve import Question
from farm.dispatch.view import look
from farm.plan.recipe import BaseImage, Inputs
from farm.wire.routes import build_queue
from tests.dispatch.conftest import TEMPO

PLATFORM = ("debian13", "arm64")
NATIVE, CROSS = (build_queue("arm64", "debian13", how) for how in ("native", "cross"))
PACKAGES = {"native": ("gcc",), "cross": ("gcc-aarch64-linux-gnu",)}


def chosen(*served, packages=PACKAGES):
    question = Question(PLATFORM, packages)
    return question.choose(frozenset(served)) and question.how


def test_a_native_worker_is_preferred_to_cross_compiling():
    assert chosen(CROSS, NATIVE) == "native"
    assert chosen(CROSS) == "cross"
    assert not chosen()


def test_what_cannot_be_cross_compiled_waits_for_a_native_worker():
    only_native = {"native": ("gcc",)}
    assert not chosen(CROSS, packages=only_native)
    assert chosen(CROSS, NATIVE, packages=only_native) == "native"


def test_what_was_chosen_is_said_while_a_cell_waits():
    def planned(python, how):
        inputs = Inputs(BaseImage("debian:13-slim", "pull", ("sha256:0",)), (), how)
        cell = f"{python}-debian13-arm64"
        return PlannedCell(cell=cell, channel="dev", triple="aarch64-unknown-linux-gnu", recipe=None, inputs=inputs)

    cells = (planned("3.13.5", "native"), planned("3.14.0", "cross"))
    asked = wanted(RunPlan(run="20261129-120000-abcdef", cells=cells, started="2026-11-29T12:00:00Z", deadline_s=60))
    first, second = look(asked, Sight(), {}, {}, now=0.0, tempo=TEMPO).cells
    assert (first.state, first.note) == ("waiting", "")
    assert second.note == "will be cross-compiled: no worker of arm64 was there"
