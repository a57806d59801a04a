"""Which queue a cell's wake-ups go to: by architecture and how it is built for, by distro, and by label.

A worker takes the queues of what it can do, so no message ever reaches one that cannot. A queue's name is its whole meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, get_args

if TYPE_CHECKING:
    from collections.abc import Collection

Way = Literal["native", "cross", "emulated"]
WAYS: tuple[Way, ...] = get_args(Way)  # the better one first
_QUEUE_RE = re.compile(rf"build\.(?P<distro>.+)-(?P<arch>[a-z0-9]+)\.(?P<way>{'|'.join(WAYS)})(?:\.(?P<label>[a-z0-9-]+))?")


def build_queue(arch: str, distro: str, way: Way = "native", label: str = "") -> str:
    """A queue, e.g. 'build.debian13-amd64.native', or 'build.debian13-amd64.native.fast' of workers with that label."""
    return f"build.{distro}-{arch}.{way}" + (f".{label}" if label else "")


@dataclass(frozen=True)
class Route:
    """What a queue's name says."""

    distro: str
    arch: str
    way: str
    label: str

    @classmethod
    def parse(cls, queue: str) -> Self | None:
        """The route that a queue is; None when it is no queue of ours."""
        found = _QUEUE_RE.fullmatch(queue)
        return cls(found["distro"], found["arch"], found["way"], found["label"] or "") if found else None


def build_queues(arch: str, distro: str, label: str = "") -> tuple[str, ...]:
    """All queues by which a cell may be built, the best first."""
    return tuple(build_queue(arch, distro, way, label) for way in WAYS)


def route(arch: str, distro: str, label: str, served: Collection[str]) -> str:
    """The best queue that a live worker takes; the best of all when nobody takes any."""
    queues = build_queues(arch, distro, label)
    return next((queue for queue in queues if queue in served), queues[0])


def wanted(arch: str, distro: str, label: str) -> str:
    """What a worker must be able to do, as messages say it."""
    return f"{distro} for {arch}" + (f" with the label '{label}'" if label else "")
