"""A process's own folder for temporary files, held by a lock: whoever comes next sees what a killed one left, and removes it.

The system lets go of the lock however the process ends. A forked child holds the lock of the folder that it inherited, too.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "farm-scratch-"
PARTS = "parts"  # of a cache: on its file system, or nothing could be renamed


def take() -> Path:
    """Have all temporary files of this process lie in a new folder of its own, which is held until the process ends.

    What dead processes left beside it is removed.
    """
    folder, _ = _made(Path(tempfile.gettempdir()))
    tempfile.tempdir = str(folder)
    return folder


@contextmanager
def taken() -> Iterator[Path]:
    """As `take`, for as long as the context lasts; then all of it is removed."""
    before = tempfile.tempdir
    folder = take()
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def part(cache: Path) -> Iterator[Path]:
    """A folder for what is to appear in a cache by a rename, whole or not at all; what dead processes left there is removed."""
    (cache / PARTS).mkdir(parents=True, exist_ok=True)
    folder, held = _made(cache / PARTS)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def sweep(parent: Path | None = None) -> None:
    """Remove what dead processes left in the folder for temporary files (or in that one)."""
    for folder in (parent or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # held by somebody alive, or somebody else's, or gone meanwhile
            held = _locked(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(held)


def _made(parent: Path) -> tuple[Path, int]:
    """A new folder, and the descriptor that holds it. What dead processes left beside it is removed."""
    sweep(parent)
    hidden = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
    held = _locked(hidden)  # before anybody can take it for a dead one's
    folder = hidden.with_name(hidden.name.removeprefix("."))
    hidden.rename(folder)
    return folder, held


def _locked(folder: Path) -> int:
    """A descriptor that holds the folder. Raises OSError when another process has it."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise
    return held
