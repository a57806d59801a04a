"""Asking a box on an engine that is too busy to hand over what a probe printed."""

import pytest
from pydantic import BaseModel

from farm.errors import Transient
from tests.fakes import ScriptedBox
from workers.verify.probe import MARK, ProbeFailed, ask, run
from workers.verify.probes.steps import told


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


CRASH = "qemu: uncaught target signal 11 (Segmentation fault) - core dumped"
OF_A_CHILD = f'{MARK}{{"value": 3, "error": "{CRASH} | gcc: fatal error: Killed signal terminated program cc1"}}'


@pytest.mark.parametrize("said", [(139, CRASH), (1, f"{CRASH}\nTraceback"), OF_A_CHILD])
def test_an_emulator_that_crashes_whether_in_the_probe_or_in_what_it_starts_is_no_finding(said):
    with pytest.raises(Transient, match="the emulator crashed running python probe"):
        ask(ScriptedBox({"probe": said}), ["python", "probe"], Said)


def test_a_python_that_crashes_is_a_finding():
    with pytest.raises(ProbeFailed, match="exit 139"):
        ask(ScriptedBox({"probe": (139, "Segmentation fault")}), ["python", "probe"], Said)


def test_a_command_in_which_the_emulator_crashed_is_no_finding_unless_it_went_well_or_judges_crashes_itself():
    with pytest.raises(Transient, match="the emulator crashed running cc"):
        run(ScriptedBox({"cc": (4, f"{CRASH}\ncc: internal compiler error")}), ["cc", "embed.c"])
    assert run(ScriptedBox({"make": CRASH}), ["make"]).ok
    assert run(ScriptedBox({"suite": (2, CRASH)}), ["suite"], starts_crashers=True).exit_code == 2
    with pytest.raises(Transient, match="the emulator crashed running suite"):
        run(ScriptedBox({"suite": (139, CRASH)}), ["suite"], starts_crashers=True)


FULL = "cc1: fatal error: /tmp/x.s: No space left on device"


def test_a_command_that_found_no_room_is_no_finding_unless_it_went_well():
    with pytest.raises(Transient, match="the engine's disk is full: cc found no room"):
        run(ScriptedBox({"cc": (1, FULL)}), ["cc", "embed.c"])
    assert run(ScriptedBox({"make": FULL}), ["make"]).ok
    with pytest.raises(Transient, match="the engine's disk is full: python found no room"):
        ask(ScriptedBox({"probe": f'{MARK}{{"value": 3, "error": "{FULL}"}}'}), ["python", "probe"], Said)


def test_a_step_tells_of_the_emulators_crash_however_much_was_printed_after_it():
    long = [f"  {CRASH}", *(f"line {number}" for number in range(9))]
    assert told(long) == f"  {CRASH} | line 4 | line 5 | line 6 | line 7 | line 8"
    assert told([CRASH]) == CRASH
    assert told(["x.c:1: internal compiler error: Segmentation fault", *long[1:]]).startswith(
        "x.c:1: internal compiler error: Seg"
    )
