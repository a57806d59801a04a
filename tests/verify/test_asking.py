"""Asking a box on an engine that is too busy to hand over what a probe printed."""

import pytest
from pydantic import BaseModel

from farm.errors import Transient
from tests.fakes import ScriptedBox
from workers.verify.probe import MARK, ProbeFailed, ask, run


class Said(BaseModel):
    value: int


def test_a_lost_answer_is_asked_for_again():
    box = ScriptedBox({"probe": f'{MARK}{{"value": 3}}'}, lost=2)
    assert ask(box, ["python", "probe"], Said).value == 3
    assert len(box.commands) == 3


def test_answers_that_are_always_lost_are_the_engines_fault():
    with pytest.raises(Transient, match="lost what a probe printed"):
        ask(ScriptedBox({"probe": "x"}, lost=9), ["python", "probe"], Said)


def test_no_answer_is_the_pythons_fault():
    box = ScriptedBox({"probe": (1, "Fatal Python error")})
    with pytest.raises(ProbeFailed, match=r"no answer from probe \(exit 1\): Fatal Python error"):
        ask(box, ["python", "probe"], Said)
    assert len(box.commands) == 1


def test_a_command_whose_output_is_lost_is_no_finding():
    with pytest.raises(Transient, match="lost what was printed by dpkg-query"):
        run(ScriptedBox({}, lost=1), ["dpkg-query", "--search"])


def test_an_emulator_that_crashes_is_no_finding_and_a_python_that_crashes_is_one():
    crash = "qemu: uncaught target signal 11 (Segmentation fault) - core dumped"
    with pytest.raises(Transient, match="the emulator crashed running python probe"):
        ask(ScriptedBox({"probe": (139, crash)}), ["python", "probe"], Said)
    with pytest.raises(ProbeFailed, match="exit 139"):
        ask(ScriptedBox({"probe": (139, "Segmentation fault")}), ["python", "probe"], Said)
