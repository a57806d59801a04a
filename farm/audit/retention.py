"""Which builds a channel need not offer any more. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from farm.audit.survey import Build
    from farm.store.keys import Published

_DAY_S = 86400.0


@dataclass(frozen=True)
class Policy:
    """What is kept: builds so many days, the newest so many of each cell in each channel, staged files so many days.

    `grace_s` lies between the condemning of a file and its end: longer than any publisher or reader is at work.
    """

    keep_days: int
    keep_builds: int
    staged_days: int
    grace_s: float = _DAY_S

    def staged_s(self) -> float:
        """How long files of runs that ended are kept, in seconds."""
        return self.staged_days * _DAY_S


def superseded(builds: Iterable[Published], yanked: Collection[Build], policy: Policy, now: float) -> list[Published]:
    """The builds that their channel may drop: not the newest, not among the newest few, and older than the policy keeps.

    What a channel offers is never among them: the newest build of a cell that was not yanked. A build's id tells its day.
    """
    lanes: dict[tuple[str, str], list[Published]] = {}
    for build in builds:
        lanes.setdefault((str(build.cell), build.channel), []).append(build)
    limit = f"{datetime.fromtimestamp(now, UTC) - timedelta(days=policy.keep_days):%Y%m%d}"
    found: list[Published] = []
    for (cell, _), lane in lanes.items():
        newest_first = sorted(lane, key=lambda build: build.build_id, reverse=True)
        offered = next((build for build in newest_first if (cell, build.build_id) not in yanked), None)
        found += [
            build for build in newest_first[policy.keep_builds :] if build != offered and build.build_id[: len(limit)] < limit
        ]
    return found
