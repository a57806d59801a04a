"""Why a cell stands where it stands. Pure: from the same values that decide what to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.dispatch.decide import RETRIED, Sight, Tempo, Wanted, is_ending, retry_at, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farm.plan.cell import Cell
    from farm.wire.messages import WorkerCard


def why(cell: Cell, wanted: Wanted, sight: Sight, cards: Sequence[WorkerCard], now: float, tempo: Tempo) -> Iterator[str]:
    """Lines that say where a cell of a run stands and what it waits for. `now` is epoch seconds."""
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
        yield from _waiting(cell, wanted, sight, cards, now, tempo)


def _stopped(cell: Cell, wanted: Wanted, sight: Sight, tempo: Tempo) -> str:
    if cell in sight.cancelled:
        return "cancelled"
    if is_ending(wanted, sight, tempo):
        return "not begun: another cell failed, and the run was asked to end then (--fail-fast)"
    return f"given up: no live worker built {cell.arch} for {tempo.unserved_s:.0f} s"


def _waiting(cell: Cell, wanted: Wanted, sight: Sight, cards: Sequence[WorkerCard], now: float, tempo: Tempo) -> Iterator[str]:
    able = [card for card in cards if wanted.queue(cell) in card.queues]
    if not able:
        others = ", ".join(f"{card.name} takes {' '.join(card.queues)}" for card in cards) or "there is no worker at all"
        yield f"waiting: no live worker builds {cell.arch} ({wanted.queue(cell)}): {others}"
        return
    if (at := retry_at(cell, sight.record(cell), tempo)) > now:
        yield f"waiting: it failed in passing {len(sight.record(cell).endings)} times, and is tried again in {at - now:.0f} s"
    for card in able:
        if not card.engine:
            yield f"waiting: the container engine of {card.name} refuses: {card.trouble.splitlines()[0]}"
    slots = sum(card.slots for card in able if card.engine)
    busy = sum(len(record.open) for record in sight.records.values())
    if slots and busy >= slots:
        yield f"waiting: all {slots} slots of {len(able)} workers are busy"
    elif slots:
        said = "it was sent, and waits to be taken" if cell in sight.sent else "it is not sent yet"
        yield f"waiting: {said}; {slots - busy} of {slots} slots are free of this run"
