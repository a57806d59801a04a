"""What the farm itself wrote down since a moment, by which a strike knows that it hit: logs, and the ends of attempts."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.site import Site

FULL_DISK = "No space left|no space left|disk is full"
NO_LEAVE = ": no leave: "
_PAUSE_S = 1.0


class Traces:
    """Of all workers and of the store, from now on."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._read = {worker.log: len(text(worker.log)) for worker in site.workers}
        self._ended = set(self._outcomes())
        self._looked = time.monotonic()

    def tell(self, words: str) -> bool:
        """Whether a regular expression is found in what was written since. Many ask again and again; the store every second."""
        if any(re.search(words, text(log)[start:]) for log, start in self._read.items()):
            return True
        if time.monotonic() - self._looked < _PAUSE_S:
            return False
        self._looked = time.monotonic()
        return any(re.search(words, data.decode()) for key, data in self._outcomes().items() if key not in self._ended)

    def _outcomes(self) -> dict[str, bytes]:
        return {key: data for key, data in self.site.objects("runs/").items() if "/outcomes/" in key}


def text(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""
