"""`farm scheduler` and `farm publisher`: the trusted side's services. They end with SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import click

from farm.cli.offering import publishing, relisting
from farm.cli.opening import opened
from farm.dispatch.metrics import PrometheusMeter, show_metrics
from farm.dispatch.notify import Notifier
from farm.dispatch.publishing import PublishingService
from farm.dispatch.scheduler import Office, Scheduler
from farm.dispatch.tempo import Tempo
from farm.errors import BadInput
from farm.settings import Settings
from farm.show import progress
from farm.store import scratch
from farm.wire import log

if TYPE_CHECKING:
    import threading
    from types import FrameType

    from farm.dispatch.view import RunView


class Sayer:
    """Prints lines of the service's log in the form that the settings ask for."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is printed yet."""
        self._as_json = settings.log == "json"

    def __call__(self, line: str, **fields: object) -> None:
        """Print a line; `fields` say which run, cell and attempt it is about."""
        now = time.time()
        click.echo(log.as_json(line, now, fields) if self._as_json else log.as_text(line, now))


class Chronicle:
    """The watcher of a service: one line for each change of a cell."""

    def __init__(self, say: Sayer, run: str) -> None:
        """Nothing was seen yet."""
        self._say, self._run = say, run
        self._before: RunView | None = None

    def show(self, view: RunView) -> None:
        """Say what changed."""
        for cell, line in progress.changed(self._before, view):
            fields = {"cell": cell.name, "attempt": cell.attempt or None, "state": cell.state, "step": cell.step}
            self._say(f"{self._run} {line}", run=self._run, **fields)
        self._before = view


def _stopped_by_signals(stopping: threading.Event) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


@click.command()
def scheduler() -> None:
    """Drive every run that nobody else drives, until SIGTERM or Ctrl-C. Needs FARM_BROKER_URL."""
    settings = Settings()
    if not settings.broker_url:
        raise BadInput(
            "a scheduler needs a Redis that it shares with workers", hint="set FARM_BROKER_URL, e.g. redis://host:6379/0"
        )
    store = opened(settings)
    publish, relist = publishing(settings, store), relisting(settings, store)
    say, meter = Sayer(settings), PrometheusMeter()
    notifier = Notifier(settings, say)
    office = Office(
        settings,
        store,
        store,
        publish,
        relist,
        Tempo.of(settings),
        lambda run: Chronicle(say, run),
        say,
        meter,
        notifier.ended,
    )
    service = Scheduler(office)
    _stopped_by_signals(service.stopping)
    with scratch.taken(), show_metrics(settings, meter.registry):
        say(f"driving the runs of {store.name}")
        service.serve()
    notifier.close()


@click.command()
def publisher() -> None:
    """Publish what builders staged, until SIGTERM or Ctrl-C. Needs the store and the signing key, and no Redis.

    Where one runs, set FARM_PUBLISHER=service for schedulers and for `farm submit`, which then need no signing key.
    """
    settings = Settings().model_copy(update={"publisher": "inside"})
    store = opened(settings)
    publish, relist = publishing(settings, store), relisting(settings, store)
    if publish is None:
        raise AssertionError("whoever is the publisher publishes")
    say, meter = Sayer(settings), PrometheusMeter()
    service = PublishingService(store, publish, relist, Tempo.of(settings), say, meter)
    _stopped_by_signals(service.stopping)
    with scratch.taken(), show_metrics(settings, meter.registry):
        say(f"publishing what is staged in {store.name}")
        service.serve()
