"""How long a run still takes, from how long its cells took before; and the log that somebody looks at meanwhile."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from farm.dispatch.eta import past_durations, with_eta
from farm.dispatch.view import CellView, RunView
from farm.show.progress import new_lines, panel
from farm.store import catalog
from farm.store.artifact import StepTime
from farm.store.folder import FolderStore
from tests.dispatch.making import ARCH, INPUTS, artifact, cell, recipe

A, B = f"3.13.5-debian13-{ARCH}", f"3.13.5-debian12-{ARCH}"


def plan(*names):
    return SimpleNamespace(cells=tuple(SimpleNamespace(cell=name) for name in names))


def keep(store, name, seconds, build_id="2026010101"):
    text = name.removesuffix(f"-{ARCH}")
    planned = SimpleNamespace(cell=name, channel="dev", recipe=recipe(cell(text)), inputs=INPUTS)
    staged = SimpleNamespace(worker="w", run="r", attempt=1, steps=(StepTime(step="compile", seconds=seconds),))
    made = artifact(planned, staged, build_id)
    distro = text.rpartition("-")[2]
    made = made.model_copy(update={"build": made.build.model_copy(update={"distro": distro})})
    store.put(catalog.name_of(made).key, made.model_dump_json().encode())


def test_a_cell_takes_what_it_took_last_or_what_its_like_did(tmp_path):
    store = FolderStore(tmp_path)
    assert past_durations(store, plan(A)) == {}
    keep(store, A, 100.0)
    keep(store, A, 300.0, "2026010201")
    assert past_durations(store, plan(A, B, f"3.11.2-debian12-{ARCH}")) == {A: 300.0, B: 300.0}
    keep(store, B, 50.0)
    assert past_durations(store, plan(A, B)) == {A: 300.0, B: 50.0}


def view(*cells):
    return RunView("r", tuple(CellView(*one) if isinstance(one, tuple) else one for one in cells))


def test_what_is_left_of_a_run():
    running = CellView(A, "building", 1, elapsed_s=60.0)
    seen = with_eta(view(running, (B, "waiting")), {A: 100.0, B: 80.0})
    assert [one.left_s for one in seen.cells] == [40.0, 80.0]
    assert seen.left_s == 120.0
    both = with_eta(view(running, CellView(B, "building", 1, elapsed_s=10.0)), {A: 100.0, B: 80.0})
    assert both.left_s == 70.0, "two at once take as long as the longer one"
    assert with_eta(view(running, (B, "waiting")), {A: 100.0}).left_s is None, "nobody knows how long the other one takes"
    assert with_eta(view((A, "published")), {A: 100.0}).left_s is None
    assert with_eta(view(CellView(A, "building", 1, elapsed_s=500.0)), {A: 100.0}).left_s == 0.0


def printed(shown, **options):
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(panel(shown, 5.0, 200, **options))
    console.file.close()
    return console.export_text()


def test_the_table_has_worker_and_what_is_left_and_the_log_of_the_chosen_cell():
    first = CellView(A, "building", 1, "compile", 5.0, 60.0, tail=("from A",), worker="host.1.2", left_s=40.0)
    second = replace(first, name=B, elapsed_s=10.0, tail=("from B",))
    text = printed(RunView("r", (first, second), 70.0))
    assert "about 1:10 left" in text
    assert "host.1.2" in text
    assert ("from A" in text, "from B" in text) == (True, False)
    text = printed(RunView("r", (first, second)), focus=B)
    assert ("from A" in text, "from B" in text) == (False, True)
    assert "left" not in text.splitlines()[0]


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 20), st.integers(0, 20))
def test_lines_that_follow_each_other_are_shown_once(lines, width, step):
    """Of a log that is seen through a window that moves by less than its width, nothing is lost; doubled lines may hide."""
    numbered = tuple(f"{number} {line}" for number, line in enumerate(lines))
    shown, seen = (), []
    for end in range(0, len(numbered) + 1, max(1, min(step, width))):
        now = numbered[max(0, end - width) : end]
        new = new_lines(shown, now)
        seen += now if new is None else new
        shown = now or shown
    assert seen == list(numbered[: len(seen)])


@pytest.mark.parametrize(
    ("shown", "now", "new"), [(("a",), ("b",), None), ((), ("a",), ("a",)), (("a", "b"), ("b", "c"), ("c",))]
)
def test_lines_that_may_be_missing_are_told_apart(shown, now, new):
    assert new_lines(shown, now) == new
