"""Children that serve a command and die with it: how they are started, waited for and ended.

Start them from the main thread: the kernel ties a child to the thread that made it.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from farm.errors import Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import IO

_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl


def _end_with_parent() -> None:
    _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start_child(command: Sequence[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A child in a session of its own, so that Ctrl-C reaches only us and we end it in order."""
    log.parent.mkdir(parents=True, exist_ok=True)
    output: IO[bytes]
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - commands of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call, resolved beforehand
        )


def await_child(done: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, what: str, patience_s: float) -> None:
    """Return as soon as it is `done`. Raises Transient when it ends by itself, or takes longer than that."""
    ends = time.monotonic() + patience_s
    while not done():
        if (code := process.poll()) is not None:
            raise Transient(f"{what} ended at once, with code {code}: {_last_line(log)}", hint=f"its log is {log}")
        if time.monotonic() > ends:
            raise Transient(f"{what} did not get ready within {patience_s:.0f} s", hint=f"its log is {log}")
        time.sleep(0.02)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"


def end_child(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Have it end what it does, for that long; then kill it."""
    process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
