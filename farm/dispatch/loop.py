"""The loop of a run: looks at the store and at Redis, has `decide` say what to do, and does it. It keeps no truth itself.

One thread answers builders and looks; another one publishes, so that no builder waits for an upload.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from farm.dispatch.decide import Action, Cancel, Done, Expire, Settle, Wake, Wanted, decide
from farm.dispatch.grants import Granter
from farm.dispatch.lookout import Lookout
from farm.dispatch.meter import Meter
from farm.dispatch.quarantine import Hosts
from farm.dispatch.queue import TaskQueue
from farm.dispatch.records import Outcome, RunPlan
from farm.dispatch.settle import Settler, conclude
from farm.errors import BrokerUnavailable, Conflict, EngineUnavailable, Failure, NoRoomHere, StoreUnavailable
from farm.plan.cell import Cell
from farm.store.protocol import Staging
from farm.wire.mailbox import SchedulerMail
from farm.wire.messages import GrantRequest
from farm.wire.routes import build_queue

if TYPE_CHECKING:
    from farm.dispatch.journal import Journal
    from farm.dispatch.tempo import Tempo
    from farm.dispatch.view import RunView

_TICK_S = 0.5
UNSETTLED = "no publisher settles it: does one run? its log says what it waits for"  # the first 40 characters show anywhere
_PASSING = (BrokerUnavailable, StoreUnavailable, EngineUnavailable, Conflict)  # for as long as our patience


class Watcher(Protocol):
    """Whom the loop shows what it sees, about twice a second."""

    def show(self, view: RunView) -> None:
        """The run as it is now."""
        ...


@dataclass(frozen=True)
class Means:
    """What the loop acts with. `tend` keeps the farm's own children alive, and is called at every turn. Runs share `hosts`.

    Without a `settler` a publisher elsewhere settles what builders staged, and the loop sees what came of it in the store.
    """

    mail: SchedulerMail
    queue: TaskQueue
    staging: Staging
    settler: Settler | None
    watcher: Watcher
    tend: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.time
    meter: Meter = field(default_factory=Meter)
    hosts: Hosts = field(default_factory=Hosts)


class Loop:
    """Drives one run to its end."""

    def __init__(self, journal: Journal, plan: RunPlan, means: Means, tempo: Tempo) -> None:
        """Nothing is done yet; the plan is in the store."""
        self._journal, self._run, self._means, self._tempo = journal, plan.run, means, tempo
        self._planned = {Cell.parse(planned.cell): planned for planned in plan.cells}
        self._priority = plan.priority
        self._wanted = wanted(plan)
        published = frozenset(cell for cell, planned in self._planned.items() if planned.published)
        self._notes = {cell: planned.blocked.message for cell, planned in self._planned.items() if planned.blocked}
        self._lookout = Lookout(journal, means.mail, self._wanted, published, tempo, means.clock, means.hosts)
        self._granter = Granter(journal, self._planned, self._wanted, means.staging, tempo, plan.deadline_s)
        self._settling: dict[tuple[Cell, int], Future[Outcome]] = {}
        self._unrecorded: set[tuple[Cell, int]] = set()  # what the store did not take yet: its trouble is not over
        self._expired: set[tuple[Cell, int]] = set()
        self._postponed: dict[tuple[Cell, int], float] = {}  # until when
        self._presented = float("-inf")

    def run(self) -> None:
        """Return when every cell is settled. Raises what Redis or the store raise for longer than our patience."""
        trouble_since: float | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="publish") as publisher:
            while True:
                self._means.tend()
                try:
                    if self._turn(publisher):
                        return
                    trouble_since = trouble_since if self._unrecorded else None
                except _PASSING:
                    now = self._means.clock()
                    trouble_since = now if trouble_since is None else trouble_since
                    if now - trouble_since > self._tempo.patience_s:
                        raise
                    self._lookout.excuse()
                    time.sleep(_TICK_S)

    def _turn(self, publisher: ThreadPoolExecutor) -> bool:
        """Answer who asks, look, act, show; True when the run is done."""
        means, lookout = self._means, self._lookout
        self._present()
        asked = means.mail.next(self._run, timeout_s=_TICK_S)
        ended = self._collect()
        if asked or ended or means.clock() - lookout.looked >= self._tempo.poll_s:
            lookout.look()
        else:
            lookout.listen()
        if isinstance(asked, GrantRequest):
            answer = self._granter.answer(asked, lookout.sight, means.clock())
            means.mail.answer(asked, answer)
            means.meter.answered(answer)
            lookout.look()
        actions = decide(self._wanted, lookout.sight, means.clock(), self._tempo)
        self._unrecorded &= {(action.cell, action.number) for action in actions if isinstance(action, Settle)}
        for action in actions:
            self._do(action, publisher)
        means.watcher.show(lookout.view(self._notes | self._unsettled()))
        return actions == (Done(),) and not self._settling

    def _unsettled(self) -> dict[Cell, str]:
        """What to say of cells that a publisher elsewhere should have settled by now."""
        overdue = [] if self._means.settler else self._lookout.unsettled(self._tempo.unsettled_s)
        return dict.fromkeys(overdue, UNSETTLED)

    def _present(self) -> None:
        now = self._means.clock()
        if now - self._presented >= self._means.mail.presence_s / 6 or not self._means.mail.is_present(self._run):
            self._means.mail.present(self._run)
            self._presented = now

    def _do(self, action: Action, publisher: ThreadPoolExecutor) -> None:
        match action:
            case Wake(cell):
                self._means.queue.wake(self._run, cell, self._wanted.queue(cell), self._priority)
                self._lookout.woken(cell)
            case Cancel(cell, number):
                self._means.mail.cancel(self._run, cell, number)
            case Expire(cell, number, why):
                self._expire(cell, number, why)
            case Settle(cell, number) if (settler := self._means.settler) and self._may_settle(cell, number):
                job = publisher.submit(settler.settle, cell, number, self._planned[cell])
                self._settling[cell, number] = job
            case _:
                pass

    def _expire(self, cell: Cell, number: int, why: str) -> None:
        """The outcome is written first: from then on nothing that the lost builder stages counts.

        It is asked for again until the store's listing shows the end that was written, and done once.
        """
        if (cell, number) in self._expired:
            return
        beat = self._lookout.last_words.get((str(cell), number))
        failure = Failure("transient", f"attempt {number} of {cell} was lost: {why}", step=beat.step if beat else "")
        try:
            log = self._journal.keep_log(cell, number, beat.tail if beat else ())
        except NoRoomHere:
            log = ""
        self._end(cell, number, Outcome(state="transient", at=self._means.clock(), failure=failure, log=log), lost=True)
        self._expired.add((cell, number))
        self._means.mail.cancel(self._run, cell, number)

    def _may_settle(self, cell: Cell, number: int) -> bool:
        return (cell, number) not in self._settling and self._means.clock() >= self._postponed.get((cell, number), 0.0)

    def _collect(self) -> bool:
        """Record what the publishing thread is done with; whether there was something."""
        done = [key for key, job in self._settling.items() if job.done()]
        for key in done:
            self._unrecorded.add(key)
            try:
                self._end(*key, self._settling.pop(key).result())
            except NoRoomHere as error:  # what is built waits in the store for as long as it takes, and holds nobody up
                self._notes[key[0]] = f"tried again: {error.message}"
                self._postponed[key] = self._means.clock() + self._tempo.roomless_s
                self._unrecorded.discard(key)
                continue
            except _PASSING as error:
                self._notes[key[0]] = f"tried again: {error.message}"
                raise
            self._unrecorded.clear()  # the store takes outcomes
        return bool(done)

    def _end(self, cell: Cell, number: int, outcome: Outcome, *, lost: bool = False) -> None:
        conclude(self._journal, cell, number, outcome)
        self._means.meter.ended(outcome, lost=lost)
        self._notes.pop(cell, None)
        if outcome.failure:
            self._notes[cell] = outcome.failure.message


def wanted(plan: RunPlan) -> Wanted:
    """What a plan asks for, as the rules read it."""
    cells = tuple(Cell.parse(planned.cell) for planned in plan.cells)
    blocked = frozenset(Cell.parse(planned.cell) for planned in plan.cells if planned.blocked)
    hows = {Cell.parse(planned.cell): planned.inputs.how for planned in plan.cells if planned.inputs}
    queues = {cell: build_queue(cell.arch, cell.distro, how, plan.label) for cell, how in hows.items()}
    crossed = frozenset(cell for cell, how in hows.items() if how == "cross")
    return Wanted(plan.run, cells, plan.fail_fast, blocked, queues, plan.label, crossed)
