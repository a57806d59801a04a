"""Names of what the store keeps of runs: what was asked, granted, staged and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farm.plan.cell import Cell


def plan(run: str) -> str:
    """The plan of a run."""
    return f"runs/{run}/plan.json"


def runs() -> str:
    """Prefix of all that is kept of runs."""
    return "runs/"


def asked(run: str) -> str:
    """What a run was asked to do; there before anything is resolved."""
    return f"{asked_runs()}{run}.json"


def asked_runs() -> str:
    """Prefix of all runs that were ever asked for."""
    return "asked/"


def open_run(run: str) -> str:
    """There as long as a run has not ended."""
    return f"{open_runs()}{run}"


def open_runs() -> str:
    """Prefix of all runs that have not ended."""
    return "open/"


def relisted(run: str) -> str:
    """There once a `farm publisher` saw to it that the channels of a run list what was published before it."""
    return f"runs/{run}/relisted"


def notified(run: str) -> str:
    """Created once per run, by who tells the webhook that it has ended."""
    return f"runs/{run}/notified"


def cancel(run: str, cell: Cell) -> str:
    """There when a cell of a run is no longer wanted."""
    return f"{cancels(run)}{cell}"


def drained(host: str = "") -> str:
    """There as long as a build host is granted nothing; with no host the prefix of all."""
    return f"drained/{host}"


def ticket(name: str) -> str:
    """A process's ticket in the lock of a store whose server ignores conditions."""
    return f"{tickets()}{name}"


def tickets() -> str:
    """Prefix of all such tickets."""
    return "publisher/"


def cancels(run: str) -> str:
    """Prefix of all cells of a run that are no longer wanted."""
    return f"runs/{run}/cancels/"


def attempt(run: str, cell: Cell, number: int) -> str:
    """A granted attempt; created conditionally, so its number is the fence."""
    return f"runs/{run}/attempts/{cell}/{number}.json"


def attempts(run: str) -> str:
    """Prefix of all attempts of a run."""
    return f"runs/{run}/attempts/"


def outcome(run: str, cell: Cell, number: int, state: str) -> str:
    """How an attempt ended; `state` is 'published' or a failure's kind."""
    return f"runs/{run}/outcomes/{cell}/{number}.{state}.json"


def outcomes(run: str) -> str:
    """Prefix of all outcomes of a run."""
    return f"runs/{run}/outcomes/"


def staging(run: str, cell: Cell, number: int, name: str = "") -> str:
    """What an attempt staged; with no name its folder."""
    return f"staging/{run}/{cell}/{number}/{name}"


def staging_of(run: str) -> str:
    """Prefix of all that a run staged."""
    return f"staging/{run}/"


def all_staging() -> str:
    """Prefix of all that was ever staged."""
    return "staging/"


def log(run: str, cell: Cell, number: int) -> str:
    """The kept log of an attempt."""
    return f"runs/{run}/logs/{cell}/{number}.log"
