"""What dead processes left in an engine is removed when a worker starts and every minute, also where no box is opened."""

from __future__ import annotations

import logging
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from farm.errors import FarmError
from workers.engine.docker import DockerEngine
from workers.engine.host import require

if TYPE_CHECKING:
    import threading

    from farm.settings import Settings

log = logging.getLogger(__name__)


def keep_sweeping(settings: Settings, over: threading.Event, every_s: float = 60.0) -> None:
    """Sweep until it is over. An engine that does not answer is asked again: the worker's card says so meanwhile."""
    while not over.is_set():
        with suppress(FarmError), closing(DockerEngine(require(settings).url)) as engine:
            if left := engine.sweep():
                log.warning("%d containers that nobody owned any more were removed", left)
        over.wait(every_s)
