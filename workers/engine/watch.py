"""A watch over what may never end: a download, a bootstrap, a pull, the build of an image. Boxes have a keeper of their own.

A mirror that stalls says nothing, and whoever reads what comes from it sees nothing else meanwhile: no deadline, no
`farm cancel`. So it is read in a thread, and the one who waits asks twice a second whether it may go on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from farm.errors import Cancelled, Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    import requests

    from workers.engine.protocol import Bounds

T = TypeVar("T")

_TICK_S = 0.5
_GRACE_S = 10.0  # to tidy up in


@dataclass(frozen=True)
class _Said(Generic[T]):
    """What a source gave; at its end nothing, or how it failed."""

    items: tuple[T, ...] = ()
    error: BaseException | None = None


def watched(what: str, bounds: Bounds, source: Callable[[], Iterable[T]], stop: Callable[[], None]) -> Generator[T, None, None]:
    """What a source gives, as long as it may go on. To be closed: whoever leaves it before its end has it stopped.

    `stop` makes the source end, from another thread. Raises Cancelled, Transient past a deadline, and what the source raises.
    """
    said: SimpleQueue[_Said[T]] = SimpleQueue()
    reader = threading.Thread(target=_read, args=(source, said), name="watched", daemon=True)
    reader.start()
    began = heard = time.monotonic()
    ended = False
    try:
        while not ended:
            try:
                one = said.get(timeout=_TICK_S)
            except Empty:
                pass
            else:
                heard, ended = time.monotonic(), not one.items
                if one.error is not None:
                    raise one.error
                yield from one.items
            _check(what, bounds, began, heard)
    finally:
        if not ended:
            stop()
        reader.join(_TICK_S)  # it may still wait for an engine's first word; that is not waited for


def _read(source: Callable[[], Iterable[T]], said: SimpleQueue[_Said[T]]) -> None:
    try:
        for item in source():
            said.put(_Said((item,)))
        said.put(_Said())
    except BaseException as error:  # it is raised where somebody waits
        said.put(_Said(error=error))


def _check(what: str, bounds: Bounds, began: float, heard: float) -> None:
    """Raises Cancelled or Transient when it has to end."""
    now = time.monotonic()
    if bounds.cancelled():
        raise Cancelled("the cell was cancelled")
    if now - began > bounds.deadline_s:
        raise Transient(
            f"{what} took longer than its deadline of {bounds.deadline_s:g} s",
            hint="a slow mirror or registry? FARM_STEP_DEADLINE_S sets the time",
        )
    if now - heard > bounds.silent_s:
        raise Transient(
            f"{what} printed nothing for {bounds.silent_s:g} s, so it was taken for stuck",
            hint="a mirror or registry that stalls? FARM_SILENT_DEADLINE_S sets the time",
        )


def hang_up(answer: requests.Response) -> None:
    """Whoever reads an answer, in whatever thread, sees its end, and closes the connection."""
    with suppress(OSError, RuntimeError, ValueError):  # it is over already
        answer.raw.shutdown()


def run(argv: Sequence[str], what: str, bounds: Bounds, on_line: Callable[[str], None]) -> int:
    """Run a command on this host, with all that it starts in a group of its own; gives its exit code.

    Raises what `watched` raises, and what `on_line` does; then nothing of the group is left.
    """
    process = subprocess.Popen(  # noqa: S603 - a command of ours without a shell
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    with process, closing(watched(what, bounds, partial(_lines, process), partial(_end, process))) as lines:
        for line in lines:
            on_line(line.rstrip())
    return process.returncode


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What it prints, until it has ended."""
    yield from process.stdout or ()
    process.wait()


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and its group, which have a moment to tidy up."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
