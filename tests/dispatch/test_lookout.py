"""Who is taken for alive: a real Redis, and a clock that the test turns."""

import pytest

from farm.dispatch.decide import Expire, Wanted, decide
from farm.dispatch.journal import Journal, new_run
from farm.dispatch.lookout import Lookout, hindered
from farm.dispatch.records import AttemptNote, Outcome
from farm.dispatch.tempo import Tempo
from farm.store import run_keys
from farm.wire.messages import STAGED_RESULT, Beat, WorkerCard
from tests.dispatch.making import cell
from tests.fakes import MemoryStore

A = cell()
LEASE_S = 10
TEMPO = Tempo(lease_s=LEASE_S)


class Watch:
    """A lookout over one attempt, whose clock stands still until it is turned."""

    def __init__(self, mails):
        self.now = 1_000_000.0
        self.builder, self.mail = mails
        self.journal = Journal(MemoryStore(), new_run(), clock=lambda: self.now)
        self.wanted = Wanted(self.journal.run, (A,))
        self.journal.grant(A, 1, AttemptNote(worker="host.1", granted=self.now, deadline_s=3600))
        self.lookout = Lookout(self.journal, self.mail, self.wanted, frozenset(), TEMPO, lambda: self.now)
        self.lookout.look()

    def expired(self):
        return [one for one in decide(self.wanted, self.lookout.sight, self.now, TEMPO) if isinstance(one, Expire)]

    def listen(self, after):
        self.now += after
        self.lookout.listen()

    def beat(self):
        beat = Beat(
            run=self.journal.run,
            cell=str(A),
            attempt=1,
            worker="host.1",
            step="configure",
            step_started=0,
            started=0,
            steps=(),
            tail=(),
        )
        self.builder.beat(beat, lease_s=LEASE_S)


@pytest.fixture
def watch(mails):
    return Watch(mails)


def test_two_leases_without_a_beat_while_one_listens_end_an_attempt(watch):
    for _ in range(2 * LEASE_S):
        watch.listen(after=1)
        assert not watch.expired()
    watch.listen(after=1)
    assert watch.expired()


def test_a_beat_is_a_sign_of_life_whatever_it_says_of_the_time(watch):
    watch.beat()
    for _ in range(5 * LEASE_S):
        watch.listen(after=1)
        assert not watch.expired()


@pytest.mark.parametrize("silence", [1.1 * LEASE_S, 2.1 * LEASE_S, 3600])
def test_nobody_is_blamed_for_a_time_in_which_nobody_listened(watch, silence):
    watch.listen(after=1)
    watch.listen(after=silence)  # Redis answered no sooner, or this process was held; the beats in it are gone
    assert not watch.expired()
    for _ in range(2 * LEASE_S):
        watch.listen(after=1)
        assert not watch.expired()
    watch.listen(after=1)
    assert watch.expired(), "who is dead is found out all the same"


def test_what_is_staged_waits_for_a_publisher_until_one_settles_something():
    now = [1_000_000.0]
    other = cell("3.14.7-debian13")
    journal = Journal(MemoryStore(), new_run(), clock=lambda: now[0])
    lookout = Lookout(
        journal, None, Wanted(journal.run, (A, other, cell("3.15.0rc2-debian13"))), frozenset(), TEMPO, lambda: now[0]
    )

    def staged(of):
        journal.grant(of, 1, AttemptNote(worker="host.1", granted=now[0], deadline_s=3600))
        journal.store.put(run_keys.staging(journal.run, of, 1, STAGED_RESULT), b"{}")

    def seen(after):
        now[0] += after
        lookout.look_at_store()
        return lookout.unsettled(300)

    staged(A)
    assert seen(after=1) == []
    staged(other)
    assert seen(after=300) == []
    assert seen(after=1) == [A]
    lost = cell("3.15.0rc2-debian13")
    journal.grant(lost, 1, AttemptNote(worker="host.2", granted=now[0], deadline_s=3600))
    journal.end(lost, 1, Outcome(state="transient", at=now[0]))
    assert A in seen(after=1), "that a builder was lost says nothing of publishers"
    journal.end(other, 1, Outcome(state="failed", at=now[0]))
    assert seen(after=1) == [], "a publisher is at work"
    assert seen(after=301) == [A]
    journal.end(A, 1, Outcome(state="failed", at=now[0]))
    assert seen(after=301) == []


def test_a_cell_waits_with_a_word_when_no_worker_that_could_build_it_takes_cells(watch):
    """Their disks are full: who watches a run sees why it stands still."""
    other = cell("3.12.12-debian13")
    watch.lookout.wanted = Wanted(watch.journal.run, (A, other))
    queue = watch.lookout.wanted.queue(other)

    def note(*cards):
        for card in cards:
            watch.builder.present(card)
        watch.lookout.look()
        return next(one.note for one in watch.lookout.view({}).cells if one.name == str(other))

    full = WorkerCard(name="w1", queues=(queue,), engine="Docker", trouble="/tmp has 0.1 GB free\nmake room")
    assert note(full) == "w1 takes no cell: /tmp has 0.1 GB free"
    assert note(WorkerCard(name="w2", queues=("another",), engine="Docker")) == "w1 takes no cell: /tmp has 0.1 GB free"
    assert note(WorkerCard(name="w3", queues=(queue,), engine="Docker")) == "", "one that takes cells is enough"
    assert note(full.model_copy(update={"trouble": ""})) == ""


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"engine": "Docker", "trouble": "\n full \n"}, "w takes no cell: full"),
        ({"trouble": "nobody answers", "refused_at": 1.0}, "the container engine of w refuses: nobody answers"),
        ({"trouble": "its engine was not asked yet"}, ""),
    ],
)
def test_what_hinders_a_worker(card, said):
    assert hindered([WorkerCard(name="w", queues=("q",), **card)]) == ({"q": said} if said else {})
