"""How patient the dispatcher is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farm.settings import Settings

_PRIVATE_UNSERVED_S = 15.0  # longer than a worker needs to show itself again after Redis was flushed


@dataclass(frozen=True)
class Tempo:
    """How patient the dispatcher is; all times in seconds.

    `unsettled_s` is how long what is staged waits for a publisher elsewhere until that is said.
    `roomless_s` is how long what is staged waits for this host to have room before that is tried again.
    `quarantine_s` is how long a host waits after `quarantine_after` failures of its own.
    `window` is how many wake-ups of one run may wait in a queue: a run of thousands so leaves room for another one's ten. It is
    each queue's own: with one for the whole run the cells of an arch whose builders are all busy kept those of others
    waiting, and runs took 1.7 times as long and more (benchmarks/simulate.py).
    """

    attempts: int = 3
    lease_s: float = 45.0
    backoff_s: float = 5.0
    grace_s: float = 20.0
    unserved_s: float = 600.0
    poll_s: float = 2.0
    patience_s: float = 120.0
    unsettled_s: float = 300.0
    roomless_s: float = 60.0
    window: int = 8
    quarantine_after: int = 3
    quarantine_s: float = 10.0

    @classmethod
    def of(cls, settings: Settings) -> Tempo:
        """The tempo that the settings ask for. A private farm waits for no worker but the one it started."""
        unserved = cls.unserved_s if settings.broker_url else _PRIVATE_UNSERVED_S
        return cls(
            attempts=settings.attempts,
            lease_s=settings.lease_s,
            backoff_s=settings.backoff_s,
            quarantine_s=2 * settings.backoff_s,
            grace_s=min(cls.grace_s, 2.0 * settings.lease_s),
            unserved_s=unserved,
            patience_s=settings.patience_s,
        )
