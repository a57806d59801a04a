"""The Celery app of a builder, and `python -m workers worker`, which runs it."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from celery import Celery, signals

from farm.errors import BrokerUnavailable, Transient
from farm.settings import Settings
from farm.wire.mailbox import PRESENCE_S, BuilderMail
from farm.wire.queue import build_queue, celery_config, host_arch

if TYPE_CHECKING:
    from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1

settings = Settings()
QUEUES = (build_queue(host_arch()),)

app = Celery("farm", include=["workers.tasks"])
app.conf.update(celery_config(settings))
app.conf.task_queues = {name: {"exchange": name, "routing_key": name} for name in QUEUES}


def end_with_parent() -> None:
    """Have the kernel kill this process as soon as the one that started it is dead."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Presence:
    """Shows that this worker takes its queues, as long as it does."""

    def __init__(self) -> None:
        """Not shown yet."""
        self._over = threading.Event()
        self._name = f"{socket.gethostname()}.{os.getpid()}"

    def begin(self) -> None:
        """Show it from now on."""
        threading.Thread(target=self._keep_showing, name="presence", daemon=True).start()

    def end(self) -> None:
        """Show it no longer."""
        self._over.set()
        with suppress(BrokerUnavailable):
            BuilderMail(settings.broker_url).leave(self._name)

    def _keep_showing(self) -> None:
        mail = BuilderMail(settings.broker_url)
        while not self._over.is_set():
            with suppress(BrokerUnavailable):
                mail.present(self._name, QUEUES)
            self._over.wait(PRESENCE_S / 10)


_presence = Presence()


@signals.worker_ready.connect  # type: ignore[untyped-decorator] # celery has no types
def _ready(**_: object) -> None:
    _presence.begin()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator] # celery has no types
def _shutting_down(**_: object) -> None:
    _presence.end()


@signals.worker_process_init.connect  # type: ignore[untyped-decorator] # celery has no types
def _slot_started(**_: object) -> None:
    """A slot must not outlive its worker: nobody would notice its beats stop, and its container would be kept alive."""
    end_with_parent()


def serve(arguments: Sequence[str]) -> int:
    """Run a worker until it is told to end (SIGTERM: after the cells it builds). Gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers worker", description="Build cells for a farm.")
    parser.add_argument("--slots", type=int, default=settings.cells_at_once, help="cells that are built at once")
    options = parser.parse_args(arguments)
    if not settings.broker_url:
        raise Transient("this worker knows no broker", hint="set FARM_BROKER_URL to the farm's Redis")
    queues = ",".join(QUEUES)
    app.worker_main(
        ["worker", "--pool", "prefork", "--concurrency", str(options.slots), "--queues", queues,
         "--hostname", f"builder-{os.getpid()}@%h", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    )  # fmt: skip
    return 0
