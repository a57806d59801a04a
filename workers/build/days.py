"""Images of a day: the day stands last in their tags, and those of days long over are dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.engine.protocol import Engine

KEPT = timedelta(days=7)  # a run may go on for days with the images that it began with


def today() -> str:
    """The day as it stands in tags, in UTC: YYYYMMDD."""
    return f"{datetime.now(UTC):%Y%m%d}"


def drop_old(engine: Engine, repository: str, day: str) -> None:
    """Drop the images of a repository whose day was long over on this one (`YYYYMMDD`: the day of the image just made).

    Tags without a day, and images in use, are left alone.
    """
    oldest = f"{datetime.strptime(day, '%Y%m%d').replace(tzinfo=UTC) - KEPT:%Y%m%d}"
    for tag in engine.tags(repository):
        dated = tag.rpartition("-")[2]
        if len(dated) == len(oldest) and dated.isdigit() and dated < oldest:
            engine.drop(f"{repository}:{tag}")
