"""`farm …` as a user runs it, but for the pipeline: its worker has the fake one, and no engine is asked for."""

import dataclasses
import sys

from farm.cli import submit
from farm.cli.main import main
from farm.dispatch import leftover
from farm.dispatch.submit import Options
from tests.dispatch.conftest import TEMPO, WORKER
from tests.dispatch.making import publisher


def options(fail_fast, with_worker, **others):
    parts = {"probe": (sys.executable, "-c", ""), "worker": WORKER, "tempo": dataclasses.replace(TEMPO)}
    return Options(fail_fast, with_worker, **parts, **others)


if __name__ == "__main__":
    submit.Options = options
    submit.publisher = lambda store, _base_url: publisher(store)
    leftover.SWEEP = (sys.executable, "-c", "")
    main()
