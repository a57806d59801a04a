"""When and on what a figure was measured: it stands beside the figure, in the JSON and on the page."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MEASURED = "measured"
_ABOUT_PROCESSORS = Path("/proc/cpuinfo")


def stamp() -> dict[str, Any]:
    """The day (UTC), the processor's name and how many of its cores this process may use: of what was measured just now."""
    return {"on": datetime.now(UTC).date().isoformat(), "processor": processor(), "cores": len(os.sched_getaffinity(0))}


def mark(runs: Path) -> None:
    """Keep the stamp of now beside a file of runs, which may be read on another day, and on another machine."""
    write(_beside(runs), stamp())


def stamped(runs: Path) -> dict[str, Any]:
    """The stamp of the last of these runs; nothing where none was kept."""
    file = _beside(runs)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


def _beside(runs: Path) -> Path:
    return runs.with_suffix(".measured.json")


def processor() -> str:
    """What Linux calls the processor; the name of its architecture where it calls it nothing."""
    lines = _ABOUT_PROCESSORS.read_text(encoding="utf-8").splitlines() if _ABOUT_PROCESSORS.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == "model name"]
    return next(filter(None, names), platform.machine())


def write(file: Path, result: Mapping[str, Any], *, sort: bool = False) -> None:
    """A result as JSON, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(json.dumps(result, indent=1, sort_keys=sort) + "\n", encoding="utf-8")
    beside.replace(file)


def told(found: Iterable[Mapping[str, Any]]) -> str:
    """A sentence for the page, of results that may have been measured at different times; '' unless each says when."""
    stamps = [one.get(MEASURED, {}) for one in found]
    if not stamps or not all(stamps):
        return ""
    days = sorted({one["on"] for one in stamps})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    machines = sorted({f"{_cores(one['cores'])} of {one['processor']}" for one in stamps})
    return f"Measured {span} on {' and on '.join(machines)}."


def _cores(number: int) -> str:
    return f"{number} core{'s' * (number != 1)}"
