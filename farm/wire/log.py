"""Lines of a service's log: text for people, or one JSON object each with the run, cell and attempt that it is about."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = ("run", "cell", "attempt", "step", "state", "worker")


def as_text(message: str, at: float) -> str:
    """A line with the local time before it."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S%z', time.localtime(at))} {message}"


def as_json(message: str, at: float, fields: Mapping[str, object], level: str = "info") -> str:
    """A JSON object on one line: time (RFC 3339, UTC), level, message, and the fields that say something."""
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {name: value for name, value in fields.items() if value not in ("", None)}
    return json.dumps({"time": when, "level": level, "message": message, **told}, ensure_ascii=False)


class JsonFormatter(logging.Formatter):
    """Records of Python's logging as such objects; fields come with `extra={"run": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        fields = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        message = record.getMessage()
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return as_json(message, record.created, {"logger": record.name, **fields}, record.levelname.lower())
