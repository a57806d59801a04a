"""Which queue a cell's wake-ups go to: by architecture and how it is built, by distro, and by label.

A worker takes the queues of what it can do, so no message ever reaches one that cannot. A queue's name is its whole meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from farm.plan.recipe import HOWS, How

_QUEUE_RE = re.compile(rf"build\.(?P<distro>.+)-(?P<arch>[a-z0-9]+)\.(?P<how>{'|'.join(HOWS)})(?:\.(?P<label>[a-z0-9-]+))?")


def build_queue(arch: str, distro: str, how: How = "native", label: str = "") -> str:
    """A queue, e.g. 'build.debian13-amd64.native', or 'build.debian13-amd64.native.fast' of workers with that label."""
    return f"build.{distro}-{arch}.{how}" + (f".{label}" if label else "")


@dataclass(frozen=True)
class Route:
    """What a queue's name says."""

    distro: str
    arch: str
    how: str
    label: str

    @classmethod
    def parse(cls, queue: str) -> Self | None:
        """The route that a queue is; None when it is no queue of ours."""
        found = _QUEUE_RE.fullmatch(queue)
        return cls(found["distro"], found["arch"], found["how"], found["label"] or "") if found else None


def wanted(arch: str, distro: str, label: str) -> str:
    """What a worker must be able to do, as messages say it."""
    return f"{distro} for {arch}" + (f" with the label '{label}'" if label else "")
