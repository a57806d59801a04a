"""What may leave the store again: logs and staged files of runs that ended, by age and by size, and parts of dead uploads.

What is published, and what a run was asked for and came to, is never touched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from farm.dispatch.journal import Journal
from farm.store import run_keys
from farm.store.protocol import Stat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from farm.settings import Settings
    from farm.store.protocol import Store

_RUN_RE = re.compile(r"(?:runs|staging)/(?P<run>(?P<time>\d{8}-\d{6})-[0-9a-f]{6})/(?P<rest>.+)")
_GB = 1 << 30
UPLOAD_AGE = timedelta(days=1)


@dataclass(frozen=True)
class Limits:
    """For how many days, and at most how many GiB, something is kept."""

    days: float
    gb: float


@dataclass(frozen=True)
class Old:
    """An object that may go, and why."""

    stat: Stat
    why: str


def limits(settings: Settings) -> Mapping[str, Limits]:
    """The limits that the settings set, by what they are for."""
    return {
        "logs": Limits(settings.keep_logs_days, settings.keep_logs_gb),
        "staging": Limits(settings.keep_staged_days, settings.keep_staging_gb),
    }


def old(stats: Iterable[Stat], limit: Limits, open_runs: frozenset[str], now: datetime) -> Iterator[Old]:
    """Those objects of ended runs that are too old, then the oldest ones until the rest fits. Pure.

    A run's age is that of its id. Runs that go on count for the size, and lose nothing.
    """
    left, size = [], 0
    for stat in stats:
        size += stat.size
        found = _RUN_RE.fullmatch(stat.key)
        if not found or found["run"] in open_runs:
            continue
        begun = datetime.strptime(found["time"], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        if now - begun > timedelta(days=limit.days):
            size -= stat.size
            yield Old(stat, f"its run is older than {limit.days:g} days")
        else:
            left.append((begun, stat.key, stat))
    for _, _, stat in sorted(left, key=lambda item: item[:2]):
        if size <= limit.gb * _GB:
            return
        size -= stat.size
        yield Old(stat, f"all of them are over {limit.gb:g} GiB, and it is the oldest")


def find(store: Store, settings: Settings, now: datetime) -> dict[str, list[Old]]:
    """What may go, by what it is: logs, staging."""
    # Runs are listed first: one that is asked for meanwhile is younger than any limit.
    going = frozenset(Journal.open_runs(store))
    bounds = limits(settings)
    logs = [stat for stat in store.list(run_keys.runs()) if "/logs/" in stat.key]
    return {
        "logs": list(old(logs, bounds["logs"], going, now)),
        "staging": list(old(store.list(run_keys.all_staging()), bounds["staging"], going, now)),
    }
