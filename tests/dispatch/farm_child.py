"""`farm …` as a user runs it, but for the pipeline: its worker has the fake one, and no engine is asked for."""

import dataclasses
import os
import signal
import sys
from contextlib import suppress
from operator import attrgetter
from pathlib import Path

from farm.cli import offering, refresh, runs, submit
from farm.cli.main import main
from farm.dispatch import leftover, offer
from farm.dispatch.submit import Options
from tests.dispatch.conftest import TEMPO, WORKER
from tests.dispatch.making import publisher


def options(fail_fast, with_worker, *more, **others):
    parts = {"probe": (sys.executable, "-c", ""), "worker": WORKER, "tempo": dataclasses.replace(TEMPO)}
    return Options(fail_fast, with_worker, *more, **parts, **others)


def die_if_told():
    """Be killed at the worst moment: published, and nobody wrote it down."""
    with suppress(FileNotFoundError):
        Path("die-published").unlink()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    submit.Options = options
    offer.publisher = lambda store, *_: publisher(store, die_if_told)
    offering.relister = lambda *_: attrgetter("published")
    runs.Options = refresh.Options = options
    # shorter, and yet longer than who drives a run takes to say so again
    os.environ.setdefault("FARM_PRESENCE_S", "8")
    leftover.SWEEP = (sys.executable, "-c", "")
    main()
