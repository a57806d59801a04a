"""The Celery app of a builder, and `python -m workers worker`, which runs it."""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from celery import Celery, signals
from celery.worker import state

from farm import __version__
from farm.errors import BrokerUnavailable, FarmError, Transient
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.store import scratch
from farm.wire.log import JsonFormatter
from farm.wire.mailbox import BuilderMail
from farm.wire.messages import WorkerCard
from farm.wire.queue import celery_config, host_arch
from workers import metrics, room
from workers.abilities import queues
from workers.engine.emulation import emulated
from workers.engine.host import require
from workers.liveness import Deafness, end_slots, start_anew
from workers.orphans import keep_sweeping

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1

settings = Settings()
FACTS = load_facts(settings.facts)
EMULATED = emulated(FACTS, host_arch())
QUEUES = queues(settings, FACTS, [one.arch for one in EMULATED])

app = Celery("farm", include=["workers.tasks"])
app.conf.update(celery_config(settings))
app.conf.task_queues = {name: {"exchange": name, "routing_key": name} for name in QUEUES}


def end_with_parent() -> None:
    """Have the kernel kill this process as soon as the one that started it is dead."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


# What Celery's workers tell each other. Nobody listens here, and who wants to tell it waits for Redis as long as it takes: with
# a password that is not good any more that is for ever, and no SIGTERM is heard meanwhile.
_WITHOUT = ("--without-gossip", "--without-mingle", "--without-heartbeat")


class Presence:
    """Shows that this worker takes its queues, as long as it does."""

    def __init__(self) -> None:
        """Not shown yet."""
        self._over = threading.Event()
        self._name = f"{socket.gethostname()}.{os.getpid()}"
        self._started = time.time()
        self.slots = settings.cells_at_once
        self.engine_up = False
        self.stopping = False
        self._refused_at = 0.0
        self._deafness = Deafness(QUEUES, lambda: bool(state.reserved_requests or state.active_requests))

    def begin(self) -> None:
        """Show it from now on, and remove what dead workers left."""
        threading.Thread(target=self._keep_showing, name="presence", daemon=True).start()
        # apart, because an engine may take longer to remove something than a worker may say nothing
        threading.Thread(target=keep_sweeping, args=(settings, self._over), name="sweeper", daemon=True).start()

    def end(self) -> None:
        """Show that it takes nothing new; it is gone as soon as its last cell is."""
        self.stopping = True
        hurry = threading.Timer(settings.stop_s, self._hand_back)
        hurry.daemon = True
        hurry.start()

    def _hand_back(self) -> None:
        """End at once, and the slots with it: what they built is lost to them, and built by others a few leases later."""
        log.warning("not finished within %d s of being told to stop: handing back what is left", settings.stop_s)
        self.leave()
        end_slots()
        os._exit(0)

    def leave(self) -> None:
        """Show it no longer."""
        self._over.set()
        with suppress(BrokerUnavailable):
            BuilderMail.of(settings).leave(self._name)

    def _keep_showing(self) -> None:
        mail = BuilderMail.of(settings)
        engine, trouble, asked = "", "its engine was not asked yet", float("-inf")
        while not self._over.is_set():
            deaf_s = 0.0 if self.stopping else self._deafness.seconds(mail)
            try:
                mail.present(self._card(engine, trouble, deaf_s))
            except BrokerUnavailable:
                pass
            except FileNotFoundError:
                start_anew("somebody removed this worker's folder for temporary files")
            if deaf_s > settings.deaf_s:
                start_anew("work waits and none is taken")
            if time.monotonic() - asked > settings.presence_s:
                engine, trouble = _engine()
                self.engine_up = bool(engine)
                self._refused_at = 0.0 if engine else self._refused_at or time.time()
                asked = time.monotonic()
            else:
                self._over.wait(settings.presence_s / 10)

    def _card(self, engine: str, trouble: str, deaf_s: float) -> WorkerCard:
        return WorkerCard(
            name=self._name,
            queues=() if self.stopping else QUEUES,
            slots=self.slots,
            emulators=tuple(f"{one.arch} by {one.by}" for one in EMULATED),
            engine=engine,
            trouble=trouble or room.lacking(settings),
            cores=len(os.sched_getaffinity(0)),
            memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
            disk_gb=round(shutil.disk_usage(tempfile.gettempdir()).free / (1 << 30), 1),
            version=__version__,
            started=self._started,
            labels=settings.labels,
            deaf_s=round(deaf_s, 1),
            refused_at=self._refused_at,
            stopping=self.stopping,
        )


def _engine() -> tuple[str, str]:
    """The engine that answers this worker; or '' and why none does."""
    try:
        return require(settings).name, ""
    except FarmError as error:
        return "", error.message


_presence = Presence()


@signals.worker_ready.connect  # type: ignore[untyped-decorator] # celery has no types
def _ready(**_: object) -> None:
    _presence.begin()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator] # celery has no types
def _shutting_down(**_: object) -> None:
    _presence.end()


@signals.worker_shutdown.connect  # type: ignore[untyped-decorator] # celery has no types
def _shut_down(**_: object) -> None:
    _presence.leave()


@signals.after_setup_logger.connect  # type: ignore[untyped-decorator] # celery has no types
@signals.after_setup_task_logger.connect  # type: ignore[untyped-decorator] # celery has no types
def _logging(logger: logging.Logger, **_: object) -> None:
    """One JSON object a line, where the settings ask for it."""
    for handler in logger.handlers if settings.log == "json" else ():
        handler.setFormatter(JsonFormatter())


@signals.worker_process_init.connect  # type: ignore[untyped-decorator] # celery has no types
def _slot_started(**_: object) -> None:
    """A slot must not outlive its worker: nobody would notice its beats stop, and its container would be kept alive."""
    end_with_parent()
    scratch.take()  # within its worker's own folder: the next slot removes what a killed one left
    scratch.sweep(settings.cache / scratch.PARTS)


def serve(arguments: Sequence[str]) -> int:
    """Run a worker until it is told to end (SIGTERM: after the cells it builds). Gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers worker", description="Build cells for a farm.")
    parser.add_argument("--slots", type=int, default=settings.cells_at_once, help="cells that are built at once")
    options = parser.parse_args(arguments)
    if not settings.broker_url:
        raise Transient("this worker knows no broker", hint="set FARM_BROKER_URL to the farm's Redis")
    queues = ",".join(QUEUES)
    _presence.slots = options.slots
    with scratch.taken(), metrics.shown(settings, options.slots, lambda: _presence.engine_up):
        app.worker_main(
            ["worker", "--pool", "prefork", "--concurrency", str(options.slots), "--queues", queues,
             "--hostname", f"builder-{os.getpid()}@%h", "--loglevel", "INFO", *_WITHOUT]
        )  # fmt: skip
    return 0
