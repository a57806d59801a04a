"""Why a cell stands where it stands. Pure: from the same values that decide what to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.dispatch.decide import RETRIED, Attempt, Sight, Wanted, is_ending, retry_at, state_of
from farm.dispatch.quarantine import refusal
from farm.wire.routes import wanted as needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.dispatch.tempo import Tempo
    from farm.plan.cell import Cell
    from farm.wire.messages import WorkerCard

_DEAF_S = 30.0  # shorter is how long a message may take


def why(
    cell: Cell,
    wanted: Wanted,
    sight: Sight,
    cards: Sequence[WorkerCard],
    now: float,
    tempo: Tempo,
    *,
    others: Sequence[Attempt] = (),
) -> Iterator[str]:
    """Lines that say where a cell of a run stands and what it waits for. `now` is epoch seconds.

    `others` are the attempts of other runs that have not ended: their builders are busy, too.
    """
    state, record = state_of(cell, wanted, sight, now, tempo), sight.record(cell)
    if state == "published":
        yield "published"
    elif state == "failed":
        final = cell in wanted.blocked or any(ending.state != RETRIED for ending in record.endings.values())
        yield "failed for good" if final else f"failed {len(record.endings)} times, which is as often as it is tried"
    elif state == "stopped":
        yield _stopped(cell, wanted, sight, tempo)
    elif state in {"building", "staged"}:
        attempt = record.open[-1]
        doing = "is built" if state == "building" else "was staged, and is being published"
        yield f"attempt {attempt.number} {doing}; granted to {attempt.worker} {now - attempt.granted:.0f} s ago"
    else:
        own = [attempt for record in sight.records.values() for attempt in record.open]
        yield from _waiting(cell, wanted, sight, cards, now, tempo, _Busy(own, others))


@dataclass(frozen=True)
class _Busy:
    """Attempts that have not ended: of this run, and of others."""

    own: Sequence[Attempt]
    others: Sequence[Attempt]

    def at(self, cards: Sequence[WorkerCard]) -> tuple[int, int]:
        """How many slots of these workers are busy with each."""
        names = tuple(f"{card.name}." for card in cards)
        own, others = (sum(one.worker.startswith(names) for one in them) for them in (self.own, self.others))
        return own, others


def _stopped(cell: Cell, wanted: Wanted, sight: Sight, tempo: Tempo) -> str:
    if cell in sight.cancelled:
        return "cancelled"
    if is_ending(wanted, sight, tempo):
        return "not begun: another cell failed, and the run was asked to end then (--fail-fast)"
    return f"given up: no live worker built {needs(cell.arch, cell.distro, wanted.label)} for {tempo.unserved_s:.0f} s"


def _waiting(
    cell: Cell, wanted: Wanted, sight: Sight, cards: Sequence[WorkerCard], now: float, tempo: Tempo, busy: _Busy
) -> Iterator[str]:
    able = [card for card in cards if wanted.queue(cell) in card.queues]
    if not able:
        yield f"waiting: no live worker builds {needs(cell.arch, cell.distro, wanted.label)}: {_others(cards)}"
        return
    if (at := retry_at(cell, sight.record(cell), tempo)) > now:
        yield f"waiting: it failed in passing {len(sight.record(cell).endings)} times, and is tried again in {at - now:.0f} s"
    fit = []
    for card in able:
        if trouble := _trouble(card, sight, now, tempo):
            yield f"waiting: {trouble}"
        else:
            fit.append(card)
    slots = sum(card.slots for card in fit)
    own, others = busy.at(fit)
    if slots and own + others >= slots:
        with_others = f", {others} of them with other runs" if others else ""
        yield f"waiting: all {slots} slots of {len(fit)} workers are busy{with_others}"
    elif slots:
        said = "it was sent, and waits to be taken" if cell in sight.sent else "it is not sent yet"
        yield f"waiting: {said}; {slots - own - others} of {slots} slots are free"


def _others(cards: Sequence[WorkerCard]) -> str:
    """What the workers there are can do instead."""
    told = (
        f"{card.name} builds {' '.join(sorted({queue.removeprefix('build.') for queue in card.queues})) or 'nothing'}"
        for card in cards
    )
    return "; ".join(told) or "there is no worker at all"


def _trouble(card: WorkerCard, sight: Sight, now: float, tempo: Tempo) -> str:
    """Why a worker that could build the cell does not; '' when nothing is known against it."""
    if refused := refusal(card.name, sight, now, tempo):
        return refused
    if not card.engine:
        since = f" since {now - card.refused_at:.0f} s" if card.refused_at else ""
        return f"the container engine of {card.name} refuses{since}: {card.trouble.splitlines()[0] if card.trouble else '?'}"
    if card.trouble:
        return f"{card.name} takes no cell: {card.trouble.splitlines()[0]}"
    if card.stopping:
        return f"{card.name} is told to stop, and takes nothing new"
    if card.deaf_s > _DEAF_S:
        return f"{card.name} is connected and takes no work since {card.deaf_s:.0f} s"
    return ""
