"""What to do next with a run: a pure function of what the store and Redis show. The loop only carries it out.

It is level-triggered: it never asks what happened, only what is. A message that got lost, a worker that died and a
scheduler that was restarted all look the same from here: a cell that is neither settled nor alive, so it is woken again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from farm.plan.cell import Cell
from farm.wire.routes import build_queue

if TYPE_CHECKING:
    from farm.dispatch.tempo import Tempo

PUBLISHED = "published"
RETRIED = "transient"
CANCELLED = "cancelled"

State = Literal["published", "failed", "stopped", "staged", "building", "waiting"]
SETTLED: frozenset[State] = frozenset({"published", "failed", "stopped"})

_BACKOFF_CAP_S = 300.0
_OVERDUE_S = 3600.0  # what is staged after the deadline has half an hour for its uploads


@dataclass(frozen=True)
class Attempt:
    """A granted attempt: its number is the fence; `granted` is epoch seconds on the trusted side's clock. No deadline is 0."""

    number: int
    worker: str
    granted: float
    deadline_s: float = 0.0


@dataclass(frozen=True)
class Ending:
    """How an attempt ended: 'published' or a failure's kind, and when. `excused`: its host had no part in that."""

    state: str
    at: float
    excused: bool = False


class HostEnd(NamedTuple):
    """How an attempt ended on a host, when, and when it was granted (epoch seconds)."""

    host: str
    at: float
    state: str
    granted: float


@dataclass(frozen=True)
class Record:
    """All that the store says of one cell in a run. `staged` are the attempts whose result.json is there."""

    attempts: tuple[Attempt, ...] = ()
    endings: Mapping[int, Ending] = field(default_factory=dict)
    staged: frozenset[int] = frozenset()

    @property
    def open(self) -> tuple[Attempt, ...]:
        """Attempts that have not ended, oldest first."""
        return tuple(attempt for attempt in self.attempts if attempt.number not in self.endings)

    @property
    def newest(self) -> int:
        """The number of the newest attempt, 0 when there is none."""
        return max((attempt.number for attempt in self.attempts), default=0)


@dataclass(frozen=True)
class Wanted:
    """The cells of a run in their order, and where they are sent (`queues`, `label`); `blocked` ones cannot be attempted.

    `crossed` are those that a machine of another arch compiles.
    """

    run: str
    cells: tuple[Cell, ...]
    fail_fast: bool = False
    blocked: frozenset[Cell] = frozenset()
    queues: Mapping[Cell, str] = field(default_factory=dict)
    label: str = ""
    crossed: frozenset[Cell] = frozenset()

    def queue(self, cell: Cell) -> str:
        """The queue of the builders that may build the cell."""
        return self.queues.get(cell) or build_queue(cell.arch, cell.distro, label=self.label)


@dataclass(frozen=True)
class Sight:
    """What is seen at one moment. Everything but `records` may be missing or old: it only makes things quicker.

    `seen` is when an attempt last gave a sign of life, `sent` when a cell was last woken, `queued` which wake-ups still wait,
    `unserved` since when no live worker takes a cell's queue. `cancelled` are cells that are no longer wanted,
    `drained` hosts that are to be granted nothing, `elsewhere` is how attempts of other runs ended.
    `looked` is when the queue was looked into: what was not overdue then may well lie in it. `hindered` are queues of which no
    worker takes a cell now, and why; it decides nothing.
    """

    records: Mapping[Cell, Record] = field(default_factory=dict)
    published: frozenset[Cell] = frozenset()
    seen: Mapping[tuple[Cell, int], float] = field(default_factory=dict)
    sent: Mapping[Cell, float] = field(default_factory=dict)
    queued: frozenset[Cell] = frozenset()
    unserved: Mapping[Cell, float] = field(default_factory=dict)
    cancelled: frozenset[Cell] = frozenset()
    drained: frozenset[str] = frozenset()
    elsewhere: tuple[HostEnd, ...] = ()
    looked: float | None = None
    hindered: Mapping[str, str] = field(default_factory=dict)

    def record(self, cell: Cell) -> Record:
        """What the store says of a cell."""
        return self.records.get(cell, Record())


@dataclass(frozen=True)
class Wake:
    """Send a wake-up for a cell."""

    cell: Cell


@dataclass(frozen=True)
class Settle:
    """Read what an attempt staged and publish it, or record its failure."""

    cell: Cell
    number: int


@dataclass(frozen=True)
class Expire:
    """Record that an attempt is lost, and why. From here on nothing it stages counts."""

    cell: Cell
    number: int
    why: str


@dataclass(frozen=True)
class Cancel:
    """Ask the builder of an attempt to end it."""

    cell: Cell
    number: int


@dataclass(frozen=True)
class Done:
    """Every cell is settled."""


Action = Wake | Settle | Expire | Cancel | Done


def state_of(cell: Cell, wanted: Wanted, sight: Sight, now: float, tempo: Tempo) -> State:
    """Where a cell stands."""
    record = sight.record(cell)
    endings = [ending.state for ending in record.endings.values()]
    if cell in sight.published or PUBLISHED in endings:
        return "published"
    if cell in sight.cancelled and not record.open:
        return "stopped"
    if cell in wanted.blocked or is_final(record, tempo):
        return "failed"
    if record.open:
        return "staged" if record.newest in record.staged else "building"
    if is_ending(wanted, sight, tempo) or _is_unserved(cell, sight, now, tempo):
        return "stopped"
    return "waiting"


def is_final(record: Record, tempo: Tempo) -> bool:
    """Whether a cell has failed for good: by a failure that trying again cannot help, or too often by one that it can."""
    failures = [ending.state for ending in record.endings.values() if ending.state != PUBLISHED]
    return any(state != RETRIED for state in failures) or len(failures) >= tempo.attempts


def is_ending(wanted: Wanted, sight: Sight, tempo: Tempo) -> bool:
    """Whether nothing new is to start, because a cell failed and the run is to end then."""
    if not wanted.fail_fast:
        return False
    return bool(wanted.blocked) or any(is_final(sight.record(cell), tempo) for cell in wanted.cells)


def retry_at(cell: Cell, record: Record, tempo: Tempo) -> float:
    """When a cell may be tried again (epoch seconds): doubling after each failure, with a jitter that is the cell's own."""
    failed = len(record.endings)
    if not failed:
        return 0.0
    jitter = 0.5 + hashlib.sha256(f"{cell}/{failed}".encode()).digest()[0] / 255
    delay = min(tempo.backoff_s * 2.0 ** (failed - 1) * jitter, _BACKOFF_CAP_S)
    return max(ending.at for ending in record.endings.values()) + delay


def is_alive(cell: Cell, attempt: Attempt, sight: Sight, now: float, tempo: Tempo) -> bool:
    """Whether an attempt gave a sign of life, or was granted, within the last two leases."""
    last = max(attempt.granted, sight.seen.get((cell, attempt.number), 0.0))
    return now - last <= 2 * tempo.lease_s


def _is_overdue(attempt: Attempt, now: float) -> bool:
    """Whether its builder should have ended it long ago: beats alone are not believed for ever."""
    return attempt.deadline_s > 0 and now - attempt.granted > attempt.deadline_s + _OVERDUE_S


def refusal(cell: Cell, wanted: Wanted, sight: Sight, now: float, tempo: Tempo) -> str:
    """Why no attempt at a cell may be granted now; '' when one may."""
    if cell not in wanted.cells:
        return f"{cell} is not in run {wanted.run}"
    state = state_of(cell, wanted, sight, now, tempo)
    record = sight.record(cell)
    if state in {"building", "staged"}:
        return f"attempt {record.newest} of {cell} is {'alive' if state == 'building' else 'being published'}"
    # A cell that nobody served a moment ago is served after all: by the builder that asks.
    unserved = state == "stopped" and not is_ending(wanted, sight, tempo) and cell not in sight.cancelled
    if state != "waiting" and not unserved:
        return f"{cell} is {state} already"
    if now < retry_at(cell, record, tempo):
        return f"{cell} failed a moment ago and waits before it is tried again"
    return ""


def decide(wanted: Wanted, sight: Sight, now: float, tempo: Tempo) -> tuple[Action, ...]:
    """The actions that bring the run closer to its end, in the order of its cells."""
    ending = is_ending(wanted, sight, tempo)
    states = {cell: state_of(cell, wanted, sight, now, tempo) for cell in wanted.cells}
    actions: list[Action] = []
    for cell, state in states.items():
        over = ending or state in SETTLED or cell in sight.cancelled
        actions += _about_attempts(cell, sight, now, tempo, over=over, settled=state in SETTLED)
    waiting = [cell for cell, state in states.items() if state == "waiting"]
    to_wake = {cell: None for cell in waiting if _needs_waking(cell, sight, now, tempo)}
    awake = Counter(wanted.queue(cell) for cell in waiting if cell in sight.sent and cell not in to_wake)
    for cell in to_wake:
        if awake[queue := wanted.queue(cell)] < tempo.window:
            awake[queue] += 1
            actions.append(Wake(cell))
    if not actions and all(state in SETTLED for state in states.values()):
        return (Done(),)
    return tuple(actions)


def _about_attempts(cell: Cell, sight: Sight, now: float, tempo: Tempo, *, over: bool, settled: bool) -> list[Action]:
    record = sight.record(cell)
    actions: list[Action] = []
    for attempt in record.open:
        number = attempt.number
        if number != record.newest:
            actions.append(Expire(cell, number, f"attempt {record.newest} took its place"))
        elif number in record.staged and not settled:
            actions.append(Settle(cell, number))
        elif number in record.staged:
            actions.append(Expire(cell, number, "the cell was settled without it"))
        elif _is_overdue(attempt, now):
            actions.append(
                Expire(cell, number, f"{attempt.worker} beats, and has not ended it {_OVERDUE_S:.0f} s after its deadline")
            )
        elif not is_alive(cell, attempt, sight, now, tempo):
            actions.append(Expire(cell, number, f"no sign of life from {attempt.worker} for {2 * tempo.lease_s:.0f} s"))
        elif over:
            actions.append(Cancel(cell, number))
    return actions


def _needs_waking(cell: Cell, sight: Sight, now: float, tempo: Tempo) -> bool:
    record = sight.record(cell)
    if cell in sight.unserved or now < retry_at(cell, record, tempo):
        return False
    sent = sight.sent.get(cell)
    last_ending = max((ending.at for ending in record.endings.values()), default=0.0)
    if sent is None or sent < last_ending:
        return True
    looked = now if sight.looked is None else sight.looked
    return cell not in sight.queued and looked - sent > tempo.grace_s


def _is_unserved(cell: Cell, sight: Sight, now: float, tempo: Tempo) -> bool:
    since = sight.unserved.get(cell)
    return since is not None and now - since >= tempo.unserved_s
