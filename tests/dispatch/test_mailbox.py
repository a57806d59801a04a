"""What the wings tell each other, over every real server that can be found on this host."""

import threading

import pytest
import redis

from farm.dispatch.decide import Done, Sight, decide, state_of
from farm.dispatch.grants import Granter
from farm.dispatch.journal import Journal
from farm.dispatch.loop import wanted
from farm.dispatch.queue import TaskQueue, wake_id
from farm.dispatch.records import AttemptNote, Outcome, PlannedCell, RunPlan
from farm.dispatch.report import report
from farm.dispatch.tempo import Tempo
from farm.errors import BrokerUnavailable
from farm.settings import Settings
from farm.store import keys
from farm.wire.address import without_secret
from farm.wire.mailbox import BuilderMail, new_reply
from farm.wire.messages import Beat, Denial, Grant, GrantRequest, Resolved, Result, WorkerCard
from farm.wire.routes import build_queue
from tests.dispatch.making import ARCH, INPUTS, artifact, cell, recipe
from tests.fakes import MemoryStore

RUN = "20260101-000000-abcdef"
CELL = str(cell())


def request(of=None, reply=None):
    return GrantRequest(run=RUN, cell=str(of or cell()), worker="host.1", reply=reply or new_reply())


def beat(attempt=1):
    return Beat(
        run=RUN, cell=str(cell()), attempt=attempt, worker="w", step="x", step_started=1, started=1, steps=(), tail=("a",)
    )


@pytest.fixture
def journal():
    return Journal(MemoryStore(), RUN)


@pytest.fixture
def granter(journal):
    planned = PlannedCell(cell=str(cell()), channel="dev", triple="x", recipe=recipe(cell()), inputs=INPUTS)
    plan = RunPlan(run=RUN, started="", deadline_s=60, cells=(planned,))
    return Granter(journal, {cell(): planned}, wanted(plan), journal.store, Tempo(), 60)


def test_a_request_is_answered_with_the_whole_grant(mails, granter):
    builder, scheduler = mails
    answers = []
    asker = threading.Thread(target=lambda: answers.append(builder.ask(request(), timeout_s=10)))
    asker.start()
    asked = scheduler.next(RUN, timeout_s=10)
    assert isinstance(asked, GrantRequest)
    scheduler.answer(asked, granter.answer(asked, Sight(), 5.0))
    asker.join()
    (grant,) = answers
    assert isinstance(grant, Grant)
    assert (grant.attempt, grant.recipe, grant.inputs) == (1, recipe(cell()), INPUTS)
    assert grant.recipe.digest == recipe(cell()).digest
    assert {"result.json", "build.log", "install_only.tar.gz"} <= set(grant.uploads)


def test_a_request_whose_asker_gave_up_is_not_answered(mails):
    builder, scheduler = mails
    assert builder.ask(request(), timeout_s=0.1) is None
    assert scheduler.next(RUN, timeout_s=1) is True


def test_who_waits_for_an_answer_stops_when_the_run_is_cancelled(mails):
    builder, scheduler = mails
    scheduler.cancel(RUN)
    assert builder.ask(request(), timeout_s=60) is None


def test_a_forged_request_is_no_request(mails, broker):
    builder, scheduler = mails
    forged = request()
    builder._set(f"asks:{forged.reply}", '{"run": "rm -rf"}', 10)
    builder._push(f"inbox:{RUN}", forged.reply, 10)
    assert scheduler.next(RUN, timeout_s=1) is True
    assert scheduler.next(RUN, timeout_s=0.05) is False


def test_a_cancelled_run_or_attempt(mails):
    builder, scheduler = mails
    assert not builder.is_cancelled(RUN, str(cell()), 1)
    scheduler.cancel(RUN, cell(), 1)
    assert builder.is_cancelled(RUN, str(cell()), 1)
    assert not builder.is_cancelled(RUN, str(cell()), 2)
    scheduler.cancel(RUN)
    assert builder.is_cancelled(RUN, str(cell()), 2)


@pytest.mark.parametrize("rubbish", [b"\xff\xfe\x00", b"[]", b"x" * (300 << 10), b'{"tail": ["' + b"x" * (300 << 10) + b'"]}'])
def test_rubbish_of_one_builder_is_not_seen_and_hides_nobody(mails, broker, rubbish):
    builder, scheduler = mails
    client = redis.Redis(unix_socket_path=broker.url.removeprefix("redis+socket://"))
    told = Beat(run=RUN, cell=CELL, attempt=1, worker="w", step="x", step_started=0, started=0, steps=(), tail=("ü",))
    builder.beat(told, lease_s=9)
    builder.present(WorkerCard(name="w", queues=("x",)))
    reply = new_reply()
    for key in (f"beat:{RUN}:{CELL}:2", "worker:evil", f"asks:{reply}"):
        client.set(f"farm:{key}", rubbish)
    for one in (rubbish, reply):
        client.lpush(f"farm:inbox:{RUN}", one)
    assert scheduler.beats(RUN, [(CELL, 1), (CELL, 2), (CELL, 3)]) == {(CELL, 1): told}
    assert [card.name for card in scheduler.workers()] == ["w"]
    assert [scheduler.next(RUN, timeout_s=0.1) for _ in range(3)] == [True, True, False]
    client.close()


def test_what_is_of_another_type_is_not_seen_and_hides_nobody(mails, broker):
    builder, scheduler = mails
    client = redis.Redis(unix_socket_path=broker.url.removeprefix("redis+socket://"))
    builder.beat(beat(), lease_s=9)
    client.lpush(f"farm:beat:{RUN}:{CELL}:2", "x")
    client.lpush("farm:worker:evil", "x")
    client.set(f"farm:inbox:{RUN}", "x")
    assert scheduler.beats(RUN, [(CELL, 1), (CELL, 2)]) == {(CELL, 1): beat()}
    assert scheduler.workers() == []
    assert scheduler.next(RUN, timeout_s=0.1) is False
    builder.nudge(RUN)
    assert scheduler.next(RUN, timeout_s=0.1) is True
    client.close()


def test_a_beat_that_is_too_long_is_not_read_whole(mails):
    builder, scheduler = mails
    told = Beat(
        run=RUN, cell=CELL, attempt=1, worker="w", step="x", step_started=0, started=0, steps=(), tail=("x" * (300 << 10),)
    )
    builder.beat(told, lease_s=9)
    assert scheduler.beats(RUN, [(CELL, 1)]) == {}


def test_beats_are_seen_and_forgotten(mails):
    builder, scheduler = mails
    builder.beat(beat(), lease_s=30)
    key = (str(cell()), 1)
    assert scheduler.beats(RUN, [key, (str(cell()), 2)]) == {key: beat()}
    builder._set(f"beat:{RUN}:{cell()}:1", beat(2).model_dump_json(), 10)
    assert scheduler.beats(RUN, [key]) == {}
    scheduler.clear()
    assert scheduler.beats(RUN, [key]) == {}


def test_presence_of_workers_and_schedulers(mails):
    builder, scheduler = mails
    assert not builder.someone_answers(RUN)
    scheduler.present(RUN)
    assert builder.someone_answers(RUN)
    scheduler.leave(RUN)
    assert not builder.someone_answers(RUN)
    builder.present(WorkerCard(name="w1", queues=("a", "b")))
    builder._set("worker:liar", "{nonsense", 10)
    assert scheduler.served() == {"a", "b"}
    builder.leave("w1")
    assert scheduler.served() == frozenset()


def test_what_a_resolve_step_found_comes_back(mails):
    builder, scheduler = mails
    reply = new_reply()
    assert scheduler.resolved(reply, timeout_s=0.05) is None
    builder.answer_resolve(reply, Resolved(inputs=INPUTS))
    assert scheduler.resolved(reply, timeout_s=1).inputs == INPUTS


def test_a_wake_up_is_found_in_the_queue_again(mails, broker):
    _, scheduler = mails
    queue = TaskQueue(Settings(broker_url=broker.url))
    name = build_queue(ARCH, "debian13")
    assert scheduler.waiting(name) == frozenset()
    queue.wake(RUN, cell(), name)
    assert scheduler.waiting(name) == {wake_id(RUN, cell())}
    queue.close()


def test_nobody_answers():
    mail = BuilderMail("redis+socket:///nowhere/at-all")
    with pytest.raises(BrokerUnavailable, match="/nowhere/at-all"):
        mail.ping()
    assert without_secret("redis://me:secret@host:1/0") == "redis://host:1/0"


def test_of_two_that_ask_at_once_one_is_granted(granter):
    first = granter.answer(request(), Sight(), 5.0)
    second = granter.answer(request(), Sight(), 5.0)
    assert isinstance(first, Grant)
    assert isinstance(second, Denial)
    assert "somebody else" in second.reason


def test_the_next_attempt_is_granted_only_after_the_last_one_ended(granter, journal):
    journal.grant(cell(), 1, AttemptNote(worker="w", granted=1000.0, deadline_s=60))
    denied = granter.answer(request(), Sight(journal.records()), 1001.0)
    assert isinstance(denied, Denial)
    assert "alive" in denied.reason
    journal.end(cell(), 1, Outcome(state="transient", at=1000.0))
    granted = granter.answer(request(), Sight(journal.records()), 2000.0)
    assert isinstance(granted, Grant)
    assert granted.attempt == 2


def attempted():
    return Result(run="20260101-000000-000000", cell=str(cell()), attempt=1, worker="w", engine="e", recipe="r", inputs="i")


def is_listed(monkeypatch, *channels):
    monkeypatch.setattr(
        "farm.dispatch.grants.reading.listed", lambda _store, channel, *_: channel if channel in channels else None
    )


def test_what_another_run_published_meanwhile_is_not_built_again(granter, journal, monkeypatch):
    is_listed(monkeypatch, "dev")
    there = keys.published(cell(), "2026113001", recipe(cell()).digest, INPUTS.digest, "dev")
    journal.store.put(there.key, artifact(granter.planned[cell()], attempted()).model_dump_json().encode())
    denied = granter.answer(request(), Sight(), 5.0)
    assert isinstance(denied, Denial)
    assert "published meanwhile, by another run" in denied.reason
    assert journal.outcome(cell()).artifact == there.key
    seen = Sight(journal.records())
    assert state_of(cell(), granter.wanted, seen, 6.0, Tempo()) == "published"
    assert decide(granter.wanted, seen, 6.0, Tempo()) == (Done(),)
    plan = RunPlan(run=RUN, started="", deadline_s=60, cells=tuple(granter.planned.values()))
    [told] = report(journal, plan, 1.0).cells
    assert (told.end, told.attempts) == ("published", 0)
    assert told.artifact.build_id == "2026010101"


def test_what_no_channel_lists_yet_is_left_to_who_publishes(granter, journal, monkeypatch):
    is_listed(monkeypatch)
    journal.store.put(keys.published(cell(), "2026113001", recipe(cell()).digest, INPUTS.digest, "dev").key, b"{}")
    assert isinstance(granter.answer(request(), Sight(), 5.0), Grant)


@pytest.mark.parametrize("other", [{"recipe": "0" * 64}, {"inputs": "0" * 64}, {"channel": "stable"}])
def test_what_is_not_the_same_in_the_same_channel_is_built(granter, journal, monkeypatch, other):
    is_listed(monkeypatch, "dev", "stable")
    same = {"recipe": recipe(cell()).digest, "inputs": INPUTS.digest, "channel": "dev", **other}
    journal.store.put(keys.published(cell(), "2026113001", **same).key, b"{}")
    assert isinstance(granter.answer(request(), Sight(), 5.0), Grant)
    assert journal.outcome(cell()) is None


def test_a_cell_that_is_not_in_the_run_is_denied(granter):
    assert isinstance(granter.answer(request(cell("3.11.1-debian13")), Sight(), 5.0), Denial)
    bad = replace_cell(request(), "no-cell-at-all")
    assert isinstance(granter.answer(bad, Sight(), 5.0), Denial)


def replace_cell(asked, text):
    return asked.model_copy(update={"cell": text})
