"""`farm submit` and `farm watch`: a matrix becomes published Pythons, while somebody looks on."""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.live import Live

from farm.cli import matrix_options
from farm.dispatch.journal import Journal
from farm.dispatch.offer import publisher, relister
from farm.dispatch.submit import Options, Submission, Wish
from farm.dispatch.watch import watch as look_on
from farm.errors import BadInput, Failure
from farm.plan.facts import load_facts
from farm.plan.narrow import Overrides
from farm.settings import Settings
from farm.show import plan as show_plan
from farm.show import progress, summary
from farm.show.junit import junit as junit_xml
from farm.sign.keys import signing
from farm.store.open import base_url, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from farm.dispatch.report import RunReport
    from farm.dispatch.view import RunView
    from farm.plan.facts import Facts
    from farm.plan.fate import Plan, Planned
    from farm.plan.options import Channel
    from farm.plan.recipe import Optimize


_PIPE_WIDTH = 160  # nobody wraps a log file


class LiveProgress:
    """The picture of a run, drawn again and again at the end of a terminal."""

    def __init__(self, console: Console) -> None:
        """Nothing is drawn before the context is entered."""
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._console = console
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the terminal back."""
        self._live.stop()

    def show(self, view: RunView) -> None:
        """Draw."""
        self._live.update(progress.panel(view, time.monotonic() - self._began, self._console.width))


class PlainProgress:
    """One line for each change, for pipes and CI logs."""

    def __init__(self, *, err: bool) -> None:
        """Lines go to standard output, or to standard error."""
        self._err = err
        self._before: RunView | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Nothing to set up."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clean up."""

    def show(self, view: RunView) -> None:
        """Print what changed."""
        for line in progress.changes(self._before, view):
            click.echo(f"[{progress.duration(time.monotonic() - self._began)}] {line}", err=self._err)
        self._before = view


def _progress(*, as_json: bool) -> LiveProgress | PlainProgress:
    """Progress never mixes with JSON: that has standard output for itself."""
    console = Console(stderr=as_json)
    return LiveProgress(console) if console.is_terminal and not console.is_dumb_terminal else PlainProgress(err=as_json)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.command()
@matrix_options.matrix_options
@click.option("--json", "as_json", is_flag=True, help="Print the run's outcome as JSON; progress goes to standard error.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write the run's outcome as JUnit XML to this file.")
@click.option("--fail-fast", is_flag=True, help="End the run as soon as one cell has failed for good.")
@click.option(
    "--with-worker/--without-worker",
    default=None,
    help="Build on this host too. The default, unless FARM_BROKER_URL names a Redis that workers elsewhere share.",
)
def submit(  # noqa: PLR0913 - one argument per option
    *,
    matrix: Path,
    only: tuple[str, ...],
    optimize: Optimize | None,
    channel: Channel | None,
    as_json: bool,
    junit: Path | None,
    fail_fast: bool,
    with_worker: bool | None,
) -> None:
    """Build, verify and publish what MATRIX (matrix.yaml) asks for and the store does not have yet.

    Exit codes: 0 all cells are published; 2 wrong input; 3 some are not; 4 engine, store or Redis not usable; 130 interrupted.
    """
    settings = Settings()
    store = open_store(settings)
    signer = signing(settings)
    plan = matrix_options.read_plan(matrix, only, Overrides(optimize, channel), settings, store)
    for line in show_plan.summary(plan):
        click.echo(line, err=as_json)
    options = Options(fail_fast, not settings.broker_url if with_worker is None else with_worker)
    with _terminable(), _progress(as_json=as_json) as watcher:
        submission = Submission(wishes(plan, load_facts(settings.facts)), settings, store, watcher, options)
        where = base_url(settings)
        ended = submission.perform(store, publisher(store, where, signer), relister(store, where, signer))
    if junit:
        _write(junit, ended)
    _say(ended, as_json=as_json)
    sys.exit(ended.exit_code)


@click.command()
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON; progress goes to standard error.")
def watch(run: str | None, *, as_json: bool) -> None:
    """Show the progress of RUN (the newest one) until it ends."""
    settings = Settings()
    store = open_store(settings)
    journal = Journal(store, run) if run else Journal.latest(store)
    with _progress(as_json=as_json) as watcher:
        ended, over = look_on(journal, settings, watcher)
    _say(ended, as_json=as_json)
    if not over:
        click.echo(f"nobody drives the run {journal.run} any more: `farm submit` goes on with what is missing", err=True)
    sys.exit(ended.exit_code)


def wishes(plan: Plan, facts: Facts) -> list[Wish]:
    """The cells of a plan as they are dispatched: those to build in the order of building, then the others."""
    first = {planned.cell: planned for planned in plan.order}
    everyone = [*first.values(), *(planned for planned in plan.cells if planned.cell not in first)]
    return [_wish(planned, facts) for planned in everyone]


def _wish(planned: Planned, facts: Facts) -> Wish:
    cell = planned.cell
    why = Failure("bad-input", planned.reason, hint="leave it out of the matrix") if planned.fate == "impossible" else None
    uv = facts.series[cell.python.series].uv
    return Wish(cell, planned.recipe, planned.options.channel, facts.triple(cell), uv, why)


def _say(ended: RunReport, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary.as_json(ended), indent=2))
        return
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=_PIPE_WIDTH)
    console.print(summary.table(ended))
    for cell in ended.cells:
        if line := summary.step_line(cell):
            click.echo(f"{cell.cell}: {line}")
    for line in (*summary.usage(ended), *summary.failures(ended)):
        click.echo(line)


def _write(path: Path, ended: RunReport) -> None:
    try:
        path.write_text(junit_xml(ended), encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"--junit {path} cannot be written: {error.strerror}", hint="name a file in a folder that exists"
        ) from None
