"""`farm submit` and `farm watch`: a matrix becomes published Pythons, while somebody looks on."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.live import Live

from farm.cli import matrix_options
from farm.errors import EXIT_OK
from farm.show import progress, summary
from farm.store.open import base_url, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from farm.dispatch.loop import Watcher
    from farm.dispatch.report import RunReport
    from farm.dispatch.view import RunView
    from farm.settings import Settings
    from farm.store.protocol import Store


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
