"""Programs that measure take turns, a value each: what has them do so, and what is kept of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import __main__ as bench
from benchmarks import turns
from benchmarks.provenance import write
from benchmarks.turns import FEWEST, HERE, INSIDE, MOST, Bench, kept, kept_sizes, sizes_of, values_of
from farm.plan.cell import Version
from farm.plan.facts import load_facts
from farm.plan.matrix import read_matrix
from tests.fakes import ScriptedBox

CONTESTANTS = {"executable": "ours", "distro's executable": "theirs"}

# measures nothing, but takes turns as pyperf does: a hook for the warmup, and another one for the values
PROGRAM = f"""
import os, sys, time
sys.path.insert(0, sys.argv[1])
from {INSIDE}.turns_hook import Turns
name, values, log = sys.argv[2], int(sys.argv[3]), os.open(sys.argv[4], os.O_WRONLY | os.O_APPEND)
time.sleep({{"a": 0, "b": 0.2, "c": 0.05}}[name])
for measured in range(1), range(values):
    hook = Turns()
    for at in measured:
        with hook:
            os.write(log, name.encode())
            time.sleep(0.002)
            os.write(log, name.upper().encode())
            if name == "b" and "b fails" in sys.argv:
                sys.exit(3)
    hook.teardown({{}})
open(sys.argv[-1].partition("=")[2], "w").close()
"""


def conducted(folder: Path, order: str, values: int, *more: str) -> tuple[int, str]:
    """Its exit code, and who began and ended when."""
    folder.mkdir()
    log = folder / "log"
    log.touch()
    commands = [[sys.executable, "-c", PROGRAM, str(HERE.parent), name, str(values), str(log)] for name in order]
    commands = [[*command, *more] for command in commands] if more else commands
    said = subprocess.run(
        [sys.executable, "-I", str(HERE / "conduct.py"), str(folder), json.dumps(commands)], check=False, timeout=60
    )
    return said.returncode, log.read_text()


@pytest.mark.parametrize("order", ["abc", "cab", "b", "ba"])
def test_one_measures_at_a_time_and_all_in_turns(order, tmp_path):
    code, log = conducted(tmp_path / "turns", order, 4)
    assert code == 0
    assert log == "".join(f"{name}{name.upper()}" for name in order) * 5


def test_all_measure_on_one_processor(tmp_path):
    code = "import os; from inside.turns_hook import Turns; Turns(); print(*os.sched_getaffinity(0))"
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "TURN": str(tmp_path / "x"), "TURN_NEXT": str(tmp_path / "x")}
    os.mkfifo(tmp_path / "x")
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(min(os.sched_getaffinity(0)))]


def test_one_that_fails_ends_the_others(tmp_path):
    code, log = conducted(tmp_path / "turns", "abc", 200, "b fails")
    assert code == 1
    assert log == "aAbB"


def test_one_that_takes_no_turn_ends_the_others(tmp_path):
    """As pyperf does with a task that there is not."""
    (tmp_path / "turns").mkdir()
    waits = [sys.executable, "-c", "import time; time.sleep(60)"]
    command = [sys.executable, "-I", str(HERE / "conduct.py"), str(tmp_path / "turns"), json.dumps([waits, ["true"], waits])]
    assert subprocess.run(command, check=False, timeout=30).returncode == 1


def said(loops: int, seconds: float) -> str:
    runs = [{"values": [9.0, *[seconds] * 3, 9.0]}]
    return json.dumps({"metadata": {"name": "nbody", "loops": loops}, "benchmarks": [{"runs": runs}]})


def test_all_hash_alike_and_do_as_many_loops_also_another_day(tmp_path):
    box = ScriptedBox({"cat": said(8, 0.01)})
    file = tmp_path / "runs.json"
    Bench(box, CONTESTANTS, file).run(1, ["nbody"])
    Bench(box, CONTESTANTS, file, kept(file), kept_sizes(file)).run(2, ["nbody"])
    ran = [(env["PYTHONHASHSEED"], text) for text, env in zip(box.commands, box.environments, strict=True) if "--quiet" in text]
    assert [seed for seed, _ in ran] == ["0"] * 3
    (_, first), *rounds = ran
    assert "--inherit-environ=PYTHONPATH,PYTHONHASHSEED" in first
    assert "--worker" not in first
    assert [text.count("--worker-task=0") for _, text in rounds] == [2, 2]
    assert all(text.count("--loops=8") == text.count("--values=12") == text.count("--hook=turns") == 2 for _, text in rounds)


def test_who_measures_behind_whom_is_drawn_for_each_round_and_the_same_when_it_is_run_again(tmp_path):
    def orders() -> list[list[str]]:
        box = ScriptedBox({"cat": said(8, 0.01)})
        Bench(box, {name: name for name in "abcdef"}, tmp_path / "runs.json").run(6, ["nbody", "go"])
        return [[command[0] for command in json.loads(text[text.index("[") :])] for text in box.commands if "--hook" in text]

    found = orders()
    assert found == orders()
    assert all(sorted(order) == [*"abcdef"] for order in found)
    assert len({*map(tuple, found)}) == len(found)
    behind = {(one, other) for order in found for one, other in zip(order, order[1:] + order[:1], strict=True)}
    assert len(behind) > 20  # of thirty


def test_each_benchmark_of_a_script_takes_turns_by_itself(tmp_path):
    several = {
        "benchmarks": [
            {"metadata": {"name": name, "loops": loops}, "runs": [{"values": [1.0]}]}
            for name, loops in (("copy", 1), ("memo", 4))
        ]
    }
    box = ScriptedBox({f"cat {turns._TURNS}": said(1, 1.0), "cat": json.dumps(several)})
    bench = Bench(box, CONTESTANTS, tmp_path / "runs.json")
    bench.run(1, ["deepcopy"])
    ran = [text for text in box.commands if "--hook" in text]
    assert [[word for word in text.replace('"', "").split(", ") if "task" in word or "loops" in word] for text in ran] == [
        ["--worker-task=0", "--loops=1"] * 2,
        ["--worker-task=1", "--loops=4"] * 2,
    ]
    assert bench.runs["0 deepcopy executable"] == {"copy": [1.0] * 3, "memo": [1.0] * 3}  # of five, without the ends


@pytest.mark.parametrize(
    ("loops", "seconds", "size"),
    [(4, 0.01, (4, 20)), (1, 0.1, (1, 8)), (1, 3.0, (1, FEWEST)), (8, 0.000_001, (8, MOST)), (2, 0.04, (2, 10))],
)
def test_loops_are_what_pyperf_found_and_values_fill_a_span(loops, seconds, size):
    assert sizes_of(json.loads(said(loops, seconds)), "by another name") == {"by another name": size}


def test_pyperf_names_each_benchmark_of_a_script():
    runs = [{"warmups": []}, {"values": [3.0, 2.0]}]
    assert values_of({"benchmarks": [{"runs": runs}]}) == [3.0, 2.0]
    both = {"metadata": {"loops": 1}, "benchmarks": [{"metadata": {"name": name}, "runs": runs} for name in ("copy", "memo")]}
    assert list(sizes_of(both, "deepcopy")) == ["copy", "memo"]
    with pytest.raises(ValueError, match="too many values"):
        values_of(both)


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.tuples(st.integers(1), st.integers(1)))))
def test_sizes_are_kept_as_they_are(tmp_path_factory, sizes):
    file = tmp_path_factory.mktemp("kept") / "runs.json"
    write(turns.sizes_file(file), sizes)
    assert kept_sizes(file) == sizes


def test_pyperf_finds_the_hook_in_the_box(tmp_path, monkeypatch):
    run = subprocess.run
    monkeypatch.setattr(turns.subprocess, "run", lambda *_args, **_keywords: None)
    for name, content in turns.tools(tmp_path, Version.parse("3.13.5")).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    code = "from importlib.metadata import entry_points as e; print([x.load() for x in e(group='pyperf.hook')])"
    found = run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path / "site")}, capture_output=True, text=True, check=True
    )
    assert found.stdout == f"[<class '{INSIDE}.turns_hook.Turns'>]\n"


def test_the_matrix_beside_the_benchmarks_has_the_pythons_that_are_measured_from_a_store():
    file = Path(bench.__file__).with_name("matrix.yaml")
    wanted = {one.argv[0] for one in bench.MEASUREMENTS.values() if one.stored and one.argv}
    matrix = read_matrix(file.read_bytes(), file.name, load_facts())
    assert {str(one.cell) for one in matrix.cells} == wanted
    assert {one.options.optimize for one in matrix.cells} == {"pgo+lto"}
