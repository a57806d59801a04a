"""When and on what a figure was measured."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import provenance
from benchmarks.provenance import MEASURED, mark, stamp, stamped, told, write

if TYPE_CHECKING:
    from pathlib import Path

_STAMPS = st.fixed_dictionaries(
    {
        "on": st.dates(min_value=date(2020, 1, 1)).map(date.isoformat),
        "processor": st.sampled_from(["one", "other"]),
        "cores": st.integers(min_value=1, max_value=256),
    }
)


def test_a_stamp_says_day_and_machine() -> None:
    found = stamp()
    assert found["on"] == datetime.now(UTC).date().isoformat()
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert found["processor"]


def test_runs_that_were_kept_have_the_stamp_of_the_last_one_also_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "runs.json"
    assert stamped(file) == {}
    mark(file)
    then = stamp()
    monkeypatch.setattr(provenance, "processor", lambda: "another")
    assert stamped(file) == then != stamp()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel name\t: A Processor: fast\nmodel name\t: Another\n", "A Processor: fast"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", os.uname().machine),
        ("model name\t: \n", os.uname().machine),
    ],
)
def test_a_processor_without_a_name_is_called_by_its_architecture(
    text: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "cpuinfo"
    about.write_text(text)
    monkeypatch.setattr(provenance, "_ABOUT_PROCESSORS", about)
    assert provenance.processor() == name


def test_a_result_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "results" / "one.json"
    write(file, {"b": 1, "a": 2})
    assert list(json.loads(file.read_text())) == ["b", "a"]
    write(file, {"b": 1, "a": 2}, sort=True)
    assert list(json.loads(file.read_text())) == ["a", "b"]
    with pytest.raises(TypeError):
        write(file, {"a": object()})
    assert json.loads(file.read_text()) == {"a": 2, "b": 1}
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_what_was_measured_once_has_one_day() -> None:
    assert told([{MEASURED: {"on": "2024-02-29", "processor": "P", "cores": 1}}]) == "Measured 2024-02-29 on 1 core of P."


def test_of_results_of_which_one_has_no_stamp_nothing_is_said() -> None:
    assert told([]) == told([{}, {MEASURED: {}}]) == told([{MEASURED: stamp()}, {}]) == ""


@given(st.lists(_STAMPS, min_size=1, max_size=5))
def test_the_span_of_days_and_every_machine_are_told(stamps: list[dict[str, object]]) -> None:
    said = told([{MEASURED: one} for one in stamps])
    days = sorted(str(one["on"]) for one in stamps)
    assert said.startswith(f"Measured {days[0]}")
    assert (f"{days[0]} to {days[-1]} on " in said) == (days[0] != days[-1])
    assert all(f"{one['cores']} core{'s' * (one['cores'] != 1)} of {one['processor']}" in said for one in stamps)
