"""Progress of an attempt as it is told: every line into a log file, beats to Redis, and whether somebody cancelled."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from farm.errors import BrokerUnavailable, Cancelled
from farm.store.artifact import StepTime

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from farm.wire.messages import Beat

_BEAT_S = 1.0
_TAIL_LINES = 20
_TAIL_WIDTH = 400


class Line(Protocol):
    """Where beats go and cancellations come from: `farm.wire.mailbox.BuilderMail`."""

    def beat(self, beat: Beat, *, lease_s: float) -> None:
        """Give a sign of life that lasts for a lease."""
        ...

    def is_cancelled(self, run: str, cell: str, attempt: int) -> bool:
        """Whether the run, or this attempt, was cancelled."""
        ...


class BeatingReporter:
    """What the pipeline tells its progress to. A context: it beats from a thread of its own until it is left."""

    def __init__(self, line: Line, *, beat: Beat, lease_s: float, log: Path, clock: Callable[[], float] = time.time) -> None:
        """Beats look like `beat`; lines go to the new file `log`."""
        self._line = line
        self._beat = beat
        self._lease_s = lease_s
        self._clock = clock
        self._log = log.open("w", encoding="utf-8", errors="replace")
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._steps: list[StepTime] = []
        self._step = beat.step
        self._step_started = beat.step_started
        self._used: Callable[[], float | None] = lambda: None
        self._used_before: float | None = None
        self._cancelled = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, name="beats", daemon=True)

    def __enter__(self) -> Self:
        """Start to beat; the first beat is sent before this returns."""
        self._send()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop to beat and close the log."""
        self._over.set()
        self._thread.join()
        with suppress(OSError):  # as in `note`
            self._log.close()

    @property
    def steps(self) -> tuple[StepTime, ...]:
        """How long each step took; the one that runs counts up to now."""
        return (*self._steps, self._taken(self._clock(), self._used()))

    def _taken(self, now: float, used: float | None) -> StepTime:
        """The step that runs, as if it was over."""
        cpu = None if used is None or self._used_before is None else round(max(0.0, used - self._used_before), 2)
        return StepTime(step=self._step, seconds=round(now - self._step_started, 3), cpu_seconds=cpu)

    def counts(self, used: Callable[[], float | None]) -> None:
        """From now on steps are told with their CPU seconds, of which `used` says how many there were so far, if it can."""
        self._used, self._used_before = used, used()

    @property
    def current_step(self) -> str:
        """The step that runs."""
        return self._step

    def step(self, name: str) -> None:
        """A step begins, and the one before it is over. Raises Cancelled."""
        now, used = self._clock(), self._used()
        self._steps.append(self._taken(now, used))
        self._step, self._step_started, self._used_before = name, now, used
        self.line(f"=== {name}")
        self.flush()

    def line(self, text: str) -> None:
        """A line of output. Raises Cancelled."""
        self.note(text)
        if self.cancelled():
            raise Cancelled("the cell was cancelled", step=self._step)

    def note(self, text: str) -> None:
        """A line of output that nothing can stop."""
        with suppress(OSError):  # a full disk costs lines of the log; whether it costs the cell is not for the log to say
            self._log.write(text.rstrip("\n") + "\n")
        self._tail.append(text.rstrip()[:_TAIL_WIDTH])

    def flush(self) -> None:
        """Have all of the log in its file, as far as there is room."""
        with suppress(OSError):
            self._log.flush()

    def cancelled(self) -> bool:
        """Whether somebody asked for this attempt to end."""
        return self._cancelled.is_set()

    def _keep_beating(self) -> None:
        while not self._over.wait(min(_BEAT_S, self._lease_s / 4)):
            self._send()

    def _send(self) -> None:
        """Beats are lossy: when Redis is away, the build goes on and the next beat may arrive."""
        beat = self._beat.model_copy(
            update={
                "step": self._step,
                "step_started": self._step_started,
                "steps": tuple(self._steps),
                "tail": tuple(self._tail),
            }
        )
        with suppress(BrokerUnavailable):
            self._line.beat(beat, lease_s=self._lease_s)
            if self._line.is_cancelled(beat.run, beat.cell, beat.attempt):
                self._cancelled.set()
        with suppress(ValueError):  # the file was closed meanwhile
            self.flush()
