"""The rules of dispatching, by table and by property. No Redis, no store, no time."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.dispatch.decide import (
    PUBLISHED,
    SETTLED,
    Attempt,
    Cancel,
    Done,
    Ending,
    Expire,
    Record,
    Settle,
    Sight,
    Wake,
    Wanted,
    decide,
    refusal,
    retry_at,
    state_of,
)
from farm.dispatch.tempo import Tempo
from farm.plan.cell import Cell

A, B, C = (Cell.parse(f"3.13.{n}-debian13-amd64") for n in range(3))
TEMPO = Tempo(attempts=3, lease_s=10, backoff_s=5, grace_s=20, unserved_s=60)
NOW = 1_000_000.0


def attempt(number, age=0.0):
    return Attempt(number, "host.1", NOW - age)


def record(*attempts, endings=None, staged=()):
    return Record(attempts, {n: Ending(state, NOW - 400) for n, state in (endings or {}).items()}, frozenset(staged))


def sight(cell_record=None, **more):
    return Sight({A: cell_record} if cell_record else {}, **more)


TABLE = {
    "a new cell is woken": (sight(), [Wake(A)]),
    "a cell that was woken just now is left alone": (sight(sent={A: NOW - 1}), []),
    "a wake-up that waits in the queue is left alone": (sight(sent={A: NOW - 900}, queued=frozenset({A})), []),
    "a wake-up that was not overdue when the queue was looked into is left alone": (
        sight(sent={A: NOW - 21}, looked=NOW - 2),
        [],
    ),
    "a wake-up that is in no queue any more is sent again": (sight(sent={A: NOW - 21}), [Wake(A)]),
    "a cell whose arch nobody serves is not woken": (sight(unserved={A: NOW - 1}), []),
    "a cell that nobody serves for long is given up": (sight(unserved={A: NOW - 60}), [Done()]),
    "an attempt that was just granted is alive": (sight(record(attempt(1))), []),
    "an attempt that beats is alive": (sight(record(attempt(1, 900)), seen={(A, 1): NOW - 20}), []),
    "two leases without a beat end an attempt": (
        sight(record(attempt(1, 900)), seen={(A, 1): NOW - 21}),
        [Expire(A, 1, "no sign of life from host.1 for 20 s")],
    ),
    "a cancelled cell is not woken": (sight(cancelled=frozenset({A})), [Done()]),
    "the builder of a cancelled cell is asked to end": (
        sight(record(attempt(1)), seen={(A, 1): NOW}, cancelled=frozenset({A})),
        [Cancel(A, 1)],
    ),
    "what is staged is settled, dead or alive": (sight(record(attempt(1, 900), staged=[1])), [Settle(A, 1)]),
    "a published cell is done": (sight(record(attempt(1), endings={1: PUBLISHED}, staged=[1])), [Done()]),
    "a cell that is in the catalog is done": (sight(published=frozenset({A})), [Done()]),
    "a build failure is final": (sight(record(attempt(1), endings={1: "build-failed"})), [Done()]),
    "a verification failure is final": (sight(record(attempt(1), endings={1: "verification-failed"})), [Done()]),
    "a transient failure is tried again": (sight(record(attempt(1), endings={1: "transient"}), sent={A: NOW - 900}), [Wake(A)]),
    "three transient failures are final": (
        sight(record(*map(attempt, (1, 2, 3)), endings=dict.fromkeys((1, 2, 3), "transient"))),
        [Done()],
    ),
    "a zombie's result is not looked at": (
        sight(record(attempt(1), attempt(2), endings={1: "transient"}, staged=[1])),
        [],
    ),
    "an older open attempt gives way": (
        sight(record(attempt(1), attempt(2), staged=[1])),
        [Expire(A, 1, "attempt 2 took its place")],
    ),
    "an attempt at a cell that is published meanwhile is cancelled": (
        sight(record(attempt(1)), published=frozenset({A})),
        [Cancel(A, 1)],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_table(name):
    seen, actions = TABLE[name]
    assert list(decide(Wanted("run", (A,)), seen, NOW, TEMPO)) == actions


def test_beats_alone_do_not_keep_an_attempt_alive_for_ever():
    lasting = Attempt(1, "h.1.2", NOW - 60 - 3600 - 1, deadline_s=60)
    seen = Sight({A: Record((lasting,))}, seen={(A, 1): NOW})
    (action,) = decide(Wanted("r", (A,)), seen, NOW, TEMPO)
    assert isinstance(action, Expire)
    assert "after its deadline" in action.why


def test_a_retry_waits_longer_each_time_and_is_not_in_step_with_others():
    once = Record((attempt(1),), {1: Ending("transient", NOW)})
    twice = Record((attempt(1), attempt(2)), {1: Ending("transient", NOW), 2: Ending("transient", NOW)})
    assert NOW + 2.5 <= retry_at(A, once, TEMPO) <= NOW + 7.5
    assert NOW + 5 <= retry_at(A, twice, TEMPO) <= NOW + 15
    assert retry_at(A, once, TEMPO) != retry_at(B, once, TEMPO)
    assert decide(Wanted("run", (A,)), sight(once), NOW + 1, TEMPO) == ()
    assert decide(Wanted("run", (A,)), sight(once), NOW + 8, TEMPO) == (Wake(A),)
    assert "waits" in refusal(A, Wanted("run", (A,)), sight(once), NOW + 1, TEMPO)


def test_a_large_run_leaves_room_in_the_queue():
    cells = tuple(Cell.parse(f"3.13.{n}-debian13-amd64") for n in range(100))
    first = decide(Wanted("run", cells), Sight(), NOW, TEMPO)
    assert first == tuple(Wake(cell) for cell in cells[: TEMPO.window])
    sent = {wake.cell: NOW for wake in first}
    assert decide(Wanted("run", cells), Sight(sent=sent), NOW + 1, TEMPO) == ()
    taken = {cells[0]: Record((attempt(1),))}
    seen = {(cells[0], 1): NOW}
    assert decide(Wanted("run", cells), Sight(records=taken, seen=seen, sent=sent), NOW + 1, TEMPO) == (
        Wake(cells[TEMPO.window]),
    )


def test_an_arch_whose_builders_are_busy_keeps_no_other_waiting():
    cells = [Cell.parse(f"3.13.{n}-debian13-{arch}") for arch in ("arm64", "amd64") for n in range(50)]
    arm, amd = cells[:50], cells[50:]
    wanted = Wanted("run", tuple(cells))
    first = decide(wanted, Sight(), NOW, TEMPO)
    assert first == tuple(Wake(cell) for cell in (*arm[: TEMPO.window], *amd[: TEMPO.window]))
    sent = {wake.cell: NOW for wake in first}
    taken, seen = {amd[0]: Record((attempt(1),))}, {(amd[0], 1): NOW}
    assert decide(wanted, Sight(records=taken, seen=seen, sent=sent), NOW + 1, TEMPO) == (Wake(amd[TEMPO.window]),)


def test_a_cancelled_cell_gets_no_leave():
    assert "stopped already" in refusal(A, Wanted("run", (A,)), sight(cancelled=frozenset({A})), NOW, TEMPO)


def test_fail_fast_cancels_what_runs_and_starts_nothing():
    records = {A: record(attempt(1), endings={1: "build-failed"}), B: record(attempt(1))}
    wanted = Wanted("run", (A, B, C), fail_fast=True)
    assert decide(wanted, Sight(records), NOW, TEMPO) == (Cancel(B, 1),)
    assert state_of(C, wanted, Sight(records), NOW, TEMPO) == "stopped"
    assert refusal(C, wanted, Sight(records), NOW, TEMPO)
    records[B] = record(attempt(1), endings={1: "cancelled"})
    assert decide(wanted, Sight(records), NOW, TEMPO) == (Done(),)


def test_a_blocked_cell_fails_and_the_rest_goes_on():
    wanted = Wanted("run", (A, B), blocked=frozenset({A}))
    assert decide(wanted, sight(), NOW, TEMPO) == (Wake(B),)
    assert state_of(A, wanted, sight(), NOW, TEMPO) == "failed"


def test_who_asks_for_a_cell_that_seemed_unserved_gets_it():
    assert refusal(A, Wanted("run", (A,)), sight(unserved={A: NOW - 900}), NOW, TEMPO) == ""
    assert "not in run" in refusal(B, Wanted("run", (A,)), sight(), NOW, TEMPO)


KINDS = st.sampled_from([PUBLISHED, "transient", "build-failed", "verification-failed", "internal", "cancelled"])


@st.composite
def records(draw):
    """Any record, also such as no run of ours would leave behind."""
    count = draw(st.integers(0, 4))
    attempts = tuple(Attempt(n, "w", NOW - draw(st.floats(0, 100))) for n in range(1, count + 1))
    ended = draw(st.lists(st.integers(1, count), unique=True)) if count else []
    staged = draw(st.frozensets(st.integers(1, count))) if count else frozenset()
    return Record(attempts, {n: Ending(draw(KINDS), NOW - draw(st.floats(0, 900))) for n in ended}, staged)


@st.composite
def situations(draw):
    cells = (A, B, C)
    seen = {(cell, n): NOW - draw(st.floats(0, 100)) for cell in cells for n in draw(st.sets(st.integers(1, 4)))}
    sent = {cell: NOW - draw(st.floats(0, 900)) for cell in draw(st.sets(st.sampled_from(cells)))}
    unserved = {cell: NOW - draw(st.floats(0, 120)) for cell in draw(st.sets(st.sampled_from(cells)))}
    some = st.frozensets(st.sampled_from(cells))
    seen_now = Sight({cell: draw(records()) for cell in cells}, draw(some), seen, sent, draw(some), unserved)
    return Wanted("run", cells, draw(st.booleans()), draw(some)), seen_now


@given(situations())
@settings(max_examples=150, deadline=None)
def test_whatever_is_seen_the_rules_hold(situation):
    wanted, seen = situation
    actions = decide(wanted, seen, NOW, TEMPO)
    for action in actions:
        if isinstance(action, Done):
            continue
        found = seen.record(action.cell)
        state = state_of(action.cell, wanted, seen, NOW, TEMPO)
        match action:
            case Wake():
                assert state == "waiting"
                assert not found.open
                assert len(found.endings) < TEMPO.attempts
            case Settle(_, number):
                assert number == found.newest
                assert number in found.staged
                assert number not in found.endings
                assert state not in SETTLED
            case Expire(_, number) | Cancel(_, number):
                assert number not in found.endings
    assert (Done() in actions) == (
        not any(seen.record(cell).open for cell in wanted.cells)
        and all(state_of(cell, wanted, seen, NOW, TEMPO) in SETTLED for cell in wanted.cells)
    )


@given(situations())
@settings(max_examples=150, deadline=None)
def test_leave_is_only_given_where_nobody_works_and_attempts_are_left(situation):
    wanted, seen = situation
    for cell in wanted.cells:
        if refusal(cell, wanted, seen, NOW, TEMPO) == "":
            assert not seen.record(cell).open
            assert len(seen.record(cell).endings) < TEMPO.attempts
            assert all(ending.state == "transient" for ending in seen.record(cell).endings.values())


@given(situations(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_from_anywhere_a_run_comes_to_its_end(situation, random):
    """A world in which anything may happen to an attempt, and every second wake-up is lost."""
    wanted, seen = situation
    seen, now = dataclasses.replace(seen, queued=frozenset()), NOW
    for _ in range(400):
        actions = decide(wanted, seen, now, TEMPO)
        if actions == (Done(),):
            break
        for action in actions:
            seen = happen(action, seen, wanted, now, random)
        now += 5
    assert decide(wanted, seen, now, TEMPO) == (Done(),)
    assert all(len(seen.record(cell).attempts) <= 4 for cell in wanted.cells)


def happen(action, seen, wanted, now, random):
    found = seen.record(action.cell)
    attempts, endings = found.attempts, dict(found.endings)
    sent = dict(seen.sent)
    match action:
        case Wake(cell):
            sent[cell] = now
            if random.random() < 0.5 and not refusal(cell, wanted, seen, now, TEMPO):
                attempts = (*attempts, Attempt(found.newest + 1, "w", now))
        case Settle(_, number):
            endings[number] = Ending(random.choice([PUBLISHED, "transient", "build-failed"]), now)
        case Expire(_, number, _):
            endings[number] = Ending("transient", now)
        case Cancel(_, number):
            endings[number] = Ending("cancelled", now)
    changed = Record(attempts, endings, found.staged)
    still_unserved = {cell: since for cell, since in seen.unserved.items() if random.random() < 0.8}
    return dataclasses.replace(
        seen, records={**seen.records, action.cell: changed}, sent=sent, queued=frozenset(), unserved=still_unserved
    )
