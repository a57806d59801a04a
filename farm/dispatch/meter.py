"""What the farm counts while it works. Read by Prometheus where a service shows it; nobody else pays for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.wire.messages import Answer, Grant

if TYPE_CHECKING:
    from farm.dispatch.records import Outcome
    from farm.dispatch.view import RunView


class Meter:
    """Counts nothing: what drives a run while somebody waits for it has this one."""

    def answered(self, answer: Answer) -> None:
        """A builder that asked for leave was answered."""

    def ended(self, outcome: Outcome, *, lost: bool = False) -> None:
        """An attempt ended; `lost`: it was given up, because its builder gave no sign of life any more."""

    def seen(self, view: RunView) -> None:
        """A run looks like this now."""

    def over(self, run: str) -> None:
        """A run is no longer driven here."""


def granted(answer: Answer) -> bool:
    """Whether an answer is leave to build."""
    return isinstance(answer, Grant)
