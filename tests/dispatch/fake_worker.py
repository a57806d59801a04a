"""A real worker, `python -m workers worker`, whose pipeline is the fake of the folder that FAKE_PIPELINE names.

With a file `deaf` in that folder it takes no work although it is connected, as Celery's consumers have done; once, for the file
is removed.
"""

import os
import sys
from pathlib import Path

from tests.fakes import FakePipeline

FOLDER = Path(os.environ["FAKE_PIPELINE"])
sys.modules["workers.pipeline"] = FakePipeline(FOLDER)  # type: ignore[assignment]


def _go_deaf(sender, **_):
    for queue in list(sender.task_consumer.queues):
        sender.cancel_task_queue(queue)


if __name__ == "__main__":
    from celery import signals

    from workers.__main__ import main

    if (FOLDER / "deaf").exists():
        (FOLDER / "deaf").unlink()
        signals.worker_ready.connect(_go_deaf)
    sys.exit(main(["worker", *sys.argv[1:]]))
