"""Seeing how a run stands: the store for what is true, Redis for what is alive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from farm.dispatch.decide import Sight, Wanted, state_of
from farm.dispatch.drain import drained
from farm.dispatch.journal import Journal
from farm.dispatch.quarantine import Hosts
from farm.dispatch.queue import wake_id
from farm.dispatch.tempo import Tempo
from farm.dispatch.view import RunView, look
from farm.plan.cell import Cell
from farm.wire.mailbox import AttemptKey, SchedulerMail
from farm.wire.messages import Beat, WorkerCard

if TYPE_CHECKING:
    from farm.dispatch.decide import Attempt


@dataclass
class Lookout:
    """What is seen of a run, and when something was last seen."""

    journal: Journal
    mail: SchedulerMail
    wanted: Wanted
    published: frozenset[Cell]
    tempo: Tempo
    clock: Callable[[], float]
    hosts: Hosts = field(default_factory=Hosts)
    sight: Sight = field(default_factory=Sight)
    beats: Mapping[AttemptKey, Beat] = field(default_factory=dict)
    looked: float = float("-inf")
    last_words: dict[AttemptKey, Beat] = field(default_factory=dict)
    _listened: float = float("inf")
    _seen: dict[tuple[Cell, int], float] = field(default_factory=dict)
    _sent: dict[Cell, float] = field(default_factory=dict)
    _unserved: dict[Cell, float] = field(default_factory=dict)
    _staged: dict[Cell, float] = field(default_factory=dict)

    def look(self) -> None:
        """See everything anew."""
        self.look_at_store()
        self.listen()
        self._find_workers(self.looked)
        self.sight = replace(self.sight, queued=self._queued(self.looked), looked=self.looked)

    def look_at_store(self) -> None:
        """See what is true, whoever is alive."""
        self.looked = self.clock()
        records = self.journal.records()
        self.hosts.saw(self.wanted.run, records, self.looked)
        self.sight = Sight(
            records=records,
            published=self.published,
            seen=self._seen,
            sent=self._sent,
            unserved=self._unserved,
            cancelled=self.journal.cancelled(),
            drained=drained(self.journal.store),
            elsewhere=self.hosts.elsewhere(self.wanted.run),
            hindered=self.sight.hindered,
        )
        self._find_staged(self.looked)

    def listen(self) -> None:
        """See who is alive. A beat that is there is a sign of life now, for Redis soon drops it: no clocks are compared."""
        attempts = self._open()
        self.beats = self.mail.beats(self.wanted.run, [(str(cell), attempt.number) for cell, attempt in attempts])
        self.last_words.update(self.beats)
        now = self.clock()
        if now - self._listened > self.tempo.lease_s:  # Redis kept us waiting, or we were held: meanwhile the beats went out
            self.excuse()
        self._listened = now
        for cell, attempt in attempts:
            if (str(cell), attempt.number) in self.beats:
                self._seen[cell, attempt.number] = now
            # Whoever has just begun to look has seen nobody yet, which says nothing about them.
            self._seen.setdefault((cell, attempt.number), now)

    def woken(self, cell: Cell) -> None:
        """A wake-up was sent."""
        self._sent[cell] = self.clock()

    def excuse(self) -> None:
        """While nobody can be seen (Redis or the store is away, or we were), nobody is blamed for it."""
        now = self.clock()
        for cell, attempt in self._open():
            self._seen[cell, attempt.number] = now

    def view(self, notes: Mapping[Cell, str]) -> RunView:
        """What a person sees."""
        return look(self.wanted, self.sight, self.beats, notes, now=self.clock(), tempo=self.tempo)

    def unsettled(self, longer_than_s: float) -> list[Cell]:
        """What has been staged for so long, while nothing else of the run that was staged got settled."""
        return [cell for cell, since in self._staged.items() if self.looked - since > longer_than_s]

    def _find_staged(self, now: float) -> None:
        states = {cell: state_of(cell, self.wanted, self.sight, now, self.tempo) for cell in self.sight.records}
        staged = {cell for cell, state in states.items() if state == "staged"}
        known = self._staged if self._staged.keys() <= staged else {}  # else whoever settles is at work
        self._staged = {cell: known.get(cell, now) for cell in staged}

    def _open(self) -> list[tuple[Cell, Attempt]]:
        return [(cell, attempt) for cell, record in self.sight.records.items() for attempt in record.open]

    def _find_workers(self, now: float) -> None:
        cards = self.mail.workers()
        served = {queue for card in cards for queue in card.queues}
        self.sight = replace(self.sight, hindered=hindered(cards))
        for cell in self.wanted.cells:
            if self.wanted.queue(cell) in served:
                self._unserved.pop(cell, None)
            else:
                self._unserved.setdefault(cell, now)

    def _queued(self, now: float) -> frozenset[Cell]:
        """The cells whose wake-up still waits to be taken; only asked for those that wait suspiciously long."""
        overdue = [
            cell
            for cell, sent in self._sent.items()
            if now - sent > self.tempo.grace_s and state_of(cell, self.wanted, self.sight, now, self.tempo) == "waiting"
        ]
        tasks = {task for queue in {self.wanted.queue(cell) for cell in overdue} for task in self.mail.waiting(queue)}
        return frozenset(cell for cell in overdue if wake_id(self.wanted.run, cell) in tasks)


def hindered(cards: Iterable[WorkerCard]) -> dict[str, str]:
    """Queues of which no worker takes a cell now, and what one of them says of it.

    A worker that has not asked its engine yet says nothing of it.
    """
    by_queue: dict[str, list[WorkerCard]] = {}
    for card in cards:
        for queue in card.queues:
            by_queue.setdefault(queue, []).append(card)
    return {
        queue: _hindrance(able[0])
        for queue, able in by_queue.items()
        if all(card.trouble.strip() and (card.engine or card.refused_at) for card in able)
    }


def _hindrance(card: WorkerCard) -> str:
    said = card.trouble.strip().splitlines()[0]
    return f"{card.name} takes no cell: {said}" if card.engine else f"the container engine of {card.name} refuses: {said}"
