"""How a run is shown: pure, values in, text out."""

import io
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from farm.dispatch.report import CellReport, RunReport
from farm.dispatch.view import CellView, RunView
from farm.errors import EXIT_CELLS_FAILED, EXIT_OK, Failure
from farm.show.junit import junit
from farm.show.progress import changes, duration, panel
from farm.show.summary import as_json, failures, meaningful, step_line, table
from farm.store.artifact import Finding, StepTime

FAILED = CellReport(
    "3.13.5-debian13-amd64",
    "failed",
    attempts=2,
    failure=Failure("build-failed", "make ended with code 2", hint="read the log", step="compile"),
    findings=(Finding(check="linkage.libpython", severity="error", message="NEEDED libpython"),),
    steps=(StepTime(step="compile", seconds=61.0),),
    log="runs/r/logs/c/2.log",
    log_tail=("gcc -c x.c", "x.c:1: error: \x1b[31mno\x1b[0m", "make: *** [x.o] Error 1"),
)
SKIPPED = CellReport("3.14.0-debian13-amd64", "not built")
REPORT = RunReport("r", "/srv/store", 62.0, (FAILED, SKIPPED))


def shown(renderable, width=160):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def view(*cells):
    return RunView("r", cells)


def test_where_a_cells_time_went_names_busy_cores_where_they_are_known():
    steps = (StepTime(step="compile", seconds=61.0, cpu_seconds=115.9), StepTime(step="pack", seconds=2.0))
    assert step_line(CellReport("3.13.5-debian13-amd64", "published", steps=steps)) == "compile 1:01 (1.9 cores), pack 0:02"


def test_each_change_is_one_line():
    waiting = view(CellView("a", "waiting"), CellView("b", "waiting"))
    assert changes(None, waiting) == ["a  waiting", "b  waiting"]
    assert changes(waiting, waiting) == []
    one = view(CellView("a", "building", 1, step="sources", step_s=2), CellView("b", "waiting"))
    two = view(CellView("a", "building", 1, step="compile", step_s=0), CellView("b", "waiting"))
    assert changes(waiting, one) == ["a  building: sources"]
    assert changes(one, two) == ["a  building: compile (sources took 0:02)"]
    assert changes(two, view(CellView("a", "building", 2, step="sources"), CellView("b", "waiting"))) == [
        "a  building, attempt 2: sources (compile took 0:00)"
    ]


def test_time_alone_is_no_change():
    before, after = (view(CellView("a", "building", 1, step="x", step_s=s, elapsed_s=s, tail=(str(s),))) for s in (1, 2))
    assert changes(before, after) == []


def test_the_picture_has_the_table_and_the_log_of_what_runs_longest():
    cells = [CellView(f"c{n}", "waiting") for n in range(30)]
    cells += [CellView("short", "building", 1, step="sources", elapsed_s=1, tail=("no",))]
    cells += [CellView("long", "building", 1, step="compile", elapsed_s=3700, step_s=61, tail=("[bold]not markup",))]
    text = shown(panel(view(*cells), 4000))
    assert "0 of 32 settled   1:06:40" in text
    assert "compile  1:01" in text
    assert "[bold]not markup" in text
    assert "and 12 more" in text
    assert text.index("long") < text.index("c0")


def test_a_summary_of_failures_says_what_where_and_what_next():
    text = "\n".join(failures(REPORT))
    assert "build-failed in step 'compile' after 2 attempts: make ended with code 2" in text
    assert "error: linkage.libpython: NEEDED libpython" in text
    assert "the whole log: /srv/store/runs/r/logs/c/2.log" in text
    assert "hint: read the log" in text
    assert "3.14.0-debian13-amd64: not built" in text
    assert "1 error" in shown(table(REPORT))


def test_meaningful_lines_begin_at_the_first_of_the_last_errors():
    noise = [f"gcc -c {n}.c" for n in range(50)]
    log = [*noise, "x.c:3: error: boom", "   3 | boom", "make: *** [x.o] Error 1", "rm -f x"]
    assert meaningful(log) == log[50:]
    assert meaningful(noise, 3) == noise[-3:]
    assert meaningful([]) == []


@given(st.lists(st.text()), st.integers(1, 20))
def test_meaningful_lines_are_lines_of_the_log(lines, limit):
    found = meaningful(lines, limit)
    assert len(found) <= limit
    assert all(line in [one.rstrip() for one in lines] for line in found)


def test_junit_counts():
    (suite,) = ET.fromstring(junit(REPORT))
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["2", "1", "1"]
    assert suite.find("testcase/failure").get("type") == "build-failed"


@given(st.text(), st.text())
def test_junit_is_xml_whatever_a_compiler_prints(message, line):
    cell = CellReport("c", "failed", failure=Failure("build-failed", message), log_tail=(line,))
    (suite,) = ET.fromstring(junit(RunReport("r", "s", 1.0, (cell,))))
    assert suite.find("testcase/failure") is not None


def test_exit_codes():
    assert REPORT.exit_code == EXIT_CELLS_FAILED
    assert RunReport("r", "s", 0, (CellReport("c", "already published"), CellReport("d", "published"))).exit_code == EXIT_OK
    assert as_json(REPORT)["exit_code"] == EXIT_CELLS_FAILED


def test_durations():
    assert [duration(seconds) for seconds in (0, 61.9, 3661)] == ["0:00", "1:01", "1:01:01"]
