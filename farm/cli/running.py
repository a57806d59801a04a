"""What verbs that follow a run share: its progress on a terminal or in a pipe, and how its end is told."""

from __future__ import annotations

import json
import signal
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.live import Live

from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.show import progress, summary
from farm.show.junit import junit as junit_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from farm.dispatch.journal import Journal
    from farm.dispatch.report import RunReport
    from farm.dispatch.view import RunView

_PIPE_WIDTH = 160  # nobody wraps a log file


class LiveProgress:
    """The picture of a run, drawn again and again at the end of a terminal."""

    def __init__(self, console: Console, focus: str = "") -> None:
        """Nothing is drawn before the context is entered. `focus` is the cell whose log is shown."""
        self._focus = focus
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

    def say(self, line: str) -> None:
        """Print a line above the picture."""
        self._console.print(line, markup=False, highlight=False)

    def show(self, view: RunView) -> None:
        """Draw."""
        self._live.update(progress.panel(view, time.monotonic() - self._began, self._console.width, self._focus))


class PlainProgress:
    """One line for each change, for pipes and CI logs."""

    def __init__(self, *, err: bool, focus: str = "") -> None:
        """Lines go to standard output, or to standard error; those of the log of the cell `focus`, too."""
        self._err = err
        self._focus = focus
        self._tail: tuple[str, ...] = ()
        self._before: RunView | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Nothing to set up."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clean up."""

    def say(self, line: str) -> None:
        """Print a line."""
        click.echo(line, err=self._err)

    def show(self, view: RunView) -> None:
        """Print what changed."""
        for line in progress.changes(self._before, view):
            click.echo(f"[{progress.duration(time.monotonic() - self._began)}] {line}", err=self._err)
        self._before = view
        for cell in view.cells:
            if cell.name == self._focus and cell.tail:
                for line in progress.new_lines(self._tail, cell.tail) or ():
                    click.echo(f"{cell.name} | {line}", err=self._err)
                self._tail = cell.tail


def following(*, as_json: bool, focus: str = "") -> LiveProgress | PlainProgress:
    """Progress never mixes with JSON: that has standard output for itself. `focus` is a cell whose log is shown, too."""
    console = Console(stderr=as_json)
    live = console.is_terminal and not console.is_dumb_terminal
    return LiveProgress(console, focus) if live else PlainProgress(err=as_json, focus=focus)


class FailureTeller:
    """A watcher that also says, when a cell fails while somebody looks on, what of its log says why."""

    def __init__(self, watcher: LiveProgress | PlainProgress, journal: Journal) -> None:
        """Nothing was seen yet."""
        self._watcher, self._journal = watcher, journal
        self._failed: frozenset[str] | None = None

    def show(self, view: RunView) -> None:
        """Show, and tell of what failed since the last time; what had failed before anybody looked is told at the end."""
        self._watcher.show(view)
        failed = frozenset(cell.name for cell in view.cells if cell.state == "failed")
        for name in sorted(failed - self._failed) if self._failed is not None else ():
            outcome = self._journal.outcome(Cell.parse(name))
            if outcome and outcome.failure:
                self._watcher.say(f"{name} failed: {outcome.failure.message}")
                for line in summary.meaningful(self._journal.log_tail(outcome.log)):
                    self._watcher.say(f"    {line}")
        self._failed = failed


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def notifying(settings: Settings) -> Callable[[Journal], None]:
    """What tells the webhook of the settings, if there is one, how a run ended; one that had nothing to do is none."""
    if not settings.webhook_url:
        return lambda _: None
    from farm.dispatch.notify import Notifier  # noqa: PLC0415 - requests takes long to load, and most have no webhook

    def notify(journal: Journal) -> None:
        if journal.kept_plan():
            notifier = Notifier(settings, lambda line, **_: click.echo(line, err=True))
            notifier.ended(journal)
            notifier.close()

    return notify


def tell(ended: RunReport, *, as_json: bool) -> None:
    """Print how a run ended."""
    if as_json:
        click.echo(json.dumps(summary.as_json(ended), indent=2))
        return
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=_PIPE_WIDTH)
    if unread := summary.unread(ended):
        click.echo(unread)
    console.print(summary.table(ended))
    for cell in ended.cells:
        if line := summary.step_line(cell):
            click.echo(f"{cell.cell}: {line}")
    for line in (*summary.usage(ended, partial(load_facts, Settings().facts)), *summary.failures(ended)):
        click.echo(line)


def write_junit(path: Path, ended: RunReport) -> None:
    """Write how a run ended as JUnit XML. Raises BadInput."""
    try:
        path.write_text(junit_xml(ended), encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"--junit {path} cannot be written: {error.strerror}", hint="name a file in a folder that exists"
        ) from None
