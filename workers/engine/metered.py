"""An engine that knows how many CPU seconds its boxes have used, and so what a step has cost."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workers.engine.cpu import cpu_seconds
from workers.engine.docker import DockerEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.engine.protocol import Box, BoxSpec


class MeteredEngine(DockerEngine):
    """DockerEngine with a meter. What it builds images with is the engine's own work, and is not counted."""

    def __init__(self, url: str) -> None:
        """Connect. Raises EngineUnavailable when nothing answers there."""
        super().__init__(url)
        self._boxes: list[Box] = []
        self._over: list[float | None] = []  # of each box that ended well
        self._lock = threading.Lock()

    @contextmanager
    def box(self, spec: BoxSpec) -> Iterator[Box]:
        """As the engine's own; what it has used is read before it goes."""
        with super().box(spec) as box:
            with self._lock:
                self._boxes.append(box)
            try:
                yield box
                used = cpu_seconds(box)
                with self._lock:
                    self._over.append(used)
            finally:
                with self._lock:
                    self._boxes.remove(box)

    def cpu_seconds(self) -> float | None:
        """CPU seconds of all boxes so far, and of this process and its children; None once a box could not tell."""
        with self._lock:
            boxes, over = list(self._boxes), list(self._over)
        used = [*over, *(cpu_seconds(box) for box in boxes)]
        known = [one for one in used if one is not None]
        return sum(known) + sum(os.times()[:4]) if len(known) == len(used) else None
