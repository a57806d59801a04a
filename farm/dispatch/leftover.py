"""What a run that was killed left behind on this host and in the store; the next command clears it.

Every run that is driven from here has a note in the state folder, locked as long as its process lives. The system lets go of
the lock however the process ends, so a note that can be locked is one of a dead run.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from farm.errors import BadInput, FarmError
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from farm.settings import Settings
    from farm.store.protocol import Store

SWEEP = (sys.executable, "-m", "workers", "sweep")
_SWEEP_S = 60
_FOLDER = "running"
_SHARED = "shared"


@dataclass
class Note:
    """That a run goes on. `stays` after it: the next command is to clear what could not be cleared now."""

    stays: bool = False


@contextmanager
def noted(settings: Settings, run: str) -> Iterator[Note]:
    """A run that goes on while the context does: what is left of it when it is killed is found again. Raises BadInput."""
    folder = settings.state.absolute() / _FOLDER
    try:
        lock = _locked(folder, run, _owned(settings))
    except OSError as error:
        raise BadInput(
            f"the state folder {settings.state} cannot be written: {error.strerror}", hint="FARM_STATE names another one"
        ) from error
    with lock:
        note = Note()
        try:
            yield note
        finally:
            if not note.stays:
                (folder / run).unlink(missing_ok=True)


def _owned(settings: Settings) -> str:
    """Whose run it is. What others may go on with, a scheduler or a publisher, is left alone with all that it staged."""
    return f"{settings.store} {_SHARED if settings.broker_url or settings.publisher == 'service' else 'private'}"


def _locked(folder: Path, run: str, text: str) -> IO[str]:
    """A new note, which is locked before anybody can see it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    hidden = folder / f".{run}"
    lock = hidden.open("w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.write(text)
    lock.flush()
    hidden.rename(folder / run)
    return lock


def clear(settings: Settings, store: Store, sweep: Sequence[str] = ()) -> tuple[str, ...]:
    """Remove what dead runs left: staged files that nobody keeps, containers. Gives the runs that are cleared.

    A note whose containers cannot be asked for now (no engine answers) stays for the next command.
    """
    cleared: list[str] = []
    for note in _notes(settings.state / _FOLDER):
        with suppress(OSError), note.open("r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _clear(note.name, lock, settings, store, sweep or SWEEP):
                note.unlink(missing_ok=True)
                cleared.append(note.name)
    return tuple(cleared)


def _notes(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return sorted(folder.joinpath(name) for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208 - one call
    return []


def _clear(run: str, note: IO[str], settings: Settings, store: Store, sweep: Sequence[str]) -> bool:
    from farm.dispatch.journal import Journal  # noqa: PLC0415 - hardly ever needed, and every command comes by here

    owned = _owned(settings)
    if note.read() == owned and not owned.endswith(_SHARED) and keys.valid(run):
        with suppress(FarmError):  # a store that refuses us now says so to the command itself
            Journal(store, run).close()
            Journal(store, run).sweep()
    try:
        done = subprocess.run(  # noqa: S603 - a command of ours
            sweep,
            env=settings.child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SWEEP_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
