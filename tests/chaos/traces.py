"""What the farm itself wrote down since a moment, by which a strike knows that it hit: logs, and the ends of attempts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.site import Site

FULL_DISK = "No space left|no space left|disk is full"
NO_LEAVE = ": no leave: "


class Traces:
    """Of all workers and of the store, from now on."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._read = {worker.log: len(text(worker.log)) for worker in site.workers}
        self._ended = set(self._outcomes())

    def tell(self, words: str) -> bool:
        """Whether a regular expression is found in what was written since."""
        lines = [text(log)[start:] for log, start in self._read.items()]
        ends = [data.decode() for key, data in self._outcomes().items() if key not in self._ended]
        return any(re.search(words, one) for one in (*lines, *ends))

    def _outcomes(self) -> dict[str, bytes]:
        return {key: data for key, data in self.site.objects("runs/").items() if "/outcomes/" in key}


def text(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""
