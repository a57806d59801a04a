"""What the store says of a run when two schedulers, or clocks that are off, wrote it down."""

import errno

import pytest

from farm.dispatch.decide import Attempt, Ending
from farm.dispatch.journal import Journal, new_run
from farm.dispatch.records import AttemptNote, Outcome
from farm.dispatch.settle import Settler, conclude
from farm.errors import Conflict, DistroMoved, EngineUnavailable, NoRoomHere, StoreUnavailable, Transient
from farm.store import locks, run_keys
from farm.wire.messages import STAGED_LOG, STAGED_RESULT, Result
from tests.dispatch.making import INPUTS, cell
from tests.fakes import MemoryStore

CELL = cell()


@pytest.fixture
def journal():
    made = Journal(MemoryStore(), new_run(), clock=lambda: 1000.0)
    made.grant(CELL, 1, AttemptNote(worker="w", granted=900.0, deadline_s=60))
    return made


def again(journal):
    """As another scheduler sees it."""
    return Journal(journal.store, journal.run, clock=journal.clock)


def test_what_is_published_stays_so_when_another_scheduler_finds_it_wanting_later(journal):
    journal.end(CELL, 1, Outcome(state="published", at=950.0, artifact="x"))
    other = again(journal)
    other.end(CELL, 1, Outcome(state="verification-failed", at=951.0))
    assert other.records()[CELL].endings == {1: Ending("published", 950.0)}
    assert other.outcome(CELL).artifact == "x"


@pytest.mark.parametrize("state", ["transient", "verification-failed", "cancelled"])
def test_what_is_published_counts_whatever_was_written_down_first(journal, state):
    journal.end(CELL, 1, Outcome(state=state, at=950.0))
    journal.end(CELL, 1, Outcome(state="published", at=951.0, artifact="x"))
    other = again(journal)
    assert other.records()[CELL].endings[1].state == "published"
    assert other.newest_ends() == {CELL: "published"}
    assert other.outcome(CELL).artifact == "x"


def test_an_attempt_that_was_given_up_is_tried_again_whatever_else_was_found(journal):
    for state in ("transient", "verification-failed"):
        key = run_keys.outcome(journal.run, CELL, 1, state)
        journal.store.put(key, Outcome(state=state, at=950.0).model_dump_json().encode())
    assert again(journal).records()[CELL].endings[1].state == "transient"


def test_a_clock_that_is_an_hour_ahead_puts_nothing_into_the_future(journal):
    journal.grant(CELL, 2, AttemptNote(worker="w", granted=4600.0, deadline_s=60))
    journal.end(CELL, 1, Outcome(state="transient", at=4600.0))
    record = again(journal).records()[CELL]
    assert record.endings[1].at == 1000.0
    assert record.attempts[1] == Attempt(2, "w", 1000.0, deadline_s=60)


@pytest.fixture
def staged(journal):
    said = Result(run=journal.run, cell=str(CELL), attempt=1, worker="w", engine="e", recipe="r", inputs="i")
    journal.store.put(run_keys.staging(journal.run, CELL, 1, STAGED_RESULT), said.model_dump_json().encode())


@pytest.mark.parametrize(
    "trouble", [StoreUnavailable("away"), EngineUnavailable("no second verifier"), Conflict("somebody else did")]
)
def test_a_store_that_is_away_costs_no_attempt_for_a_minute_and_then_says_nothing_against_the_cell(journal, staged, trouble):
    now = [0.0]

    def publish(_planned, _staged):
        raise trouble

    settler = Settler(journal, publish, clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 20.0, 59.0):
        with pytest.raises(type(trouble)):
            settler.settle(CELL, 1, None)
    now[0] = 61.0
    assert settler.settle(CELL, 1, None).state == "transient"


@pytest.mark.parametrize("trouble", [NoRoomHere("/tmp cannot be written"), OSError(errno.ENOSPC, "No space left on device")])
def test_a_host_without_room_throws_no_build_away_however_long_that_lasts(journal, staged, trouble):
    now = [0.0]

    def publish(_planned, _staged):
        raise trouble

    settler = Settler(journal, publish, clock=lambda: now[0])
    for now[0] in (0.0, 61.0, 86_400.0):
        with pytest.raises(NoRoomHere):
            settler.settle(CELL, 1, None)
    assert journal.staged(CELL, 1)
    assert journal.outcome(CELL) is None


def test_what_may_pass_begins_anew_after_there_was_no_room(journal, staged):
    now, errors = [0.0], [StoreUnavailable("away"), NoRoomHere("full"), StoreUnavailable("away")]

    def publish(_planned, _staged):
        raise errors.pop(0)

    settler = Settler(journal, publish, clock=lambda: now[0])
    for now[0], raised in ((0.0, StoreUnavailable), (3600.0, NoRoomHere), (7200.0, StoreUnavailable)):
        with pytest.raises(raised):
            settler.settle(CELL, 1, None)


def test_another_error_of_the_system_is_the_matter_of_what_was_staged(journal, staged):
    def publish(_planned, _staged):
        raise OSError(errno.ELOOP, "Too many levels of symbolic links")

    outcome = Settler(journal, publish).settle(CELL, 1, None)
    assert (outcome.state, outcome.failure.step) == ("verification-failed", "publish")


def test_a_host_has_no_part_in_what_a_publisher_met(journal, staged):
    now = [0.0]

    def publish(_planned, _staged):
        raise StoreUnavailable("away")

    settler = Settler(journal, publish, clock=lambda: now[0])
    with pytest.raises(StoreUnavailable):
        settler.settle(CELL, 1, None)
    now[0] = 61.0
    conclude(journal, CELL, 1, settler.settle(CELL, 1, None))
    assert again(journal).records()[CELL].endings[1].excused


@pytest.mark.parametrize(
    "failure", [Transient("2 bytes with sha256 x").failure("publish"), DistroMoved("newer").failure("images")]
)
def test_what_a_builder_staged_and_what_its_mirror_has_is_its_own_matter(journal, failure):
    journal.end(CELL, 1, Outcome(state="transient", at=1000.0, failure=failure))
    assert not again(journal).records()[CELL].endings[1].excused


@pytest.mark.parametrize("where", ["staged", "keep_log"])
def test_no_room_is_no_room_wherever_it_is_met(journal, staged, where, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal, where, full)
    with pytest.raises(NoRoomHere, match="disk is full"):
        Settler(journal, lambda *_: "").settle(CELL, 1, None)


def test_a_result_that_was_cut_off_on_its_way_is_made_again(journal, staged):
    key = run_keys.staging(journal.run, CELL, 1, STAGED_RESULT)
    journal.store.put(key, journal.store.get(key)[0][:40])
    with pytest.raises(Transient, match="cannot be read"):
        journal.staged(CELL, 1)
    assert Settler(journal, lambda *_: "").settle(CELL, 1, None).state == "transient"


def test_of_a_result_without_end_no_more_is_read_than_one_may_have(journal, staged):
    key = run_keys.staging(journal.run, CELL, 1, STAGED_RESULT)
    journal.store.put(key, journal.store.get(key)[0] + b" " * (16 << 20))  # JSON all the same
    outcome = Settler(journal, lambda *_: "").settle(CELL, 1, None)
    assert outcome.state == "transient"
    assert "longer than the 16777216 bytes that it may have" in outcome.failure.message


def test_a_log_without_end_costs_the_log_and_nothing_else(journal, staged):
    journal.store.put(run_keys.staging(journal.run, CELL, 1, STAGED_LOG), b"x" * ((64 << 20) + 1))
    outcome = Settler(journal, lambda *_: "catalog/x").settle(CELL, 1, None)
    assert outcome.state == "published"
    assert journal.log_tail(outcome.log) == [
        f"({run_keys.staging(journal.run, CELL, 1, STAGED_LOG)} is longer than the 67108864 bytes that it may have; "
        "these are the last lines that were seen)"
    ]
    assert journal.keep_log(CELL, 1, ["gcc -c x.c"]) == outcome.log
    assert journal.log_tail(outcome.log)[1:] == ["gcc -c x.c"]


@pytest.mark.parametrize("error", [DistroMoved("other packages"), Transient("the engine is gone")])
def test_what_a_distro_gives_is_found_out_anew_once_a_builder_says_that_it_has_changed(journal, error):
    today = locks.today()
    for date, arch in (("20260101", CELL.arch), (today, CELL.arch), (today, "other")):
        locks.save_inputs(journal.store, CELL.distro, arch, INPUTS, date=date)
    said = Result(
        run=journal.run,
        cell=str(CELL),
        attempt=1,
        worker="w",
        engine="e",
        recipe="r",
        inputs="i",
        failure=error.failure("images"),
    )
    journal.store.put(run_keys.staging(journal.run, CELL, 1, STAGED_RESULT), said.model_dump_json().encode())
    outcome = Settler(journal, lambda *_: "").settle(CELL, 1, None)
    for _ in range(3):  # as often as builders say so, the days before stay
        conclude(journal, CELL, 1, outcome)
    assert locks.newest_inputs(journal.store, CELL.distro, CELL.arch) == INPUTS
    wanted = {(CELL.distro, CELL.arch): {"native": ("gcc",)}, (CELL.distro, "other"): {"native": ("gcc",)}}
    assert list(locks.missing(journal.store, wanted, today)) == ([(CELL.distro, CELL.arch)] if error.outdated else [])
    assert again(journal).outcome(CELL).state == "transient"


def test_an_attempt_without_a_log_has_none(journal):
    assert journal.keep_log(CELL, 1) == ""


class Small(MemoryStore):
    """A store that keeps so many bytes."""

    room = 5000

    def put(self, key, data, **asked):
        size = len(data) if isinstance(data, bytes) else data.stat().st_size
        if sum(stat.size for stat in self.list("")) + size > self.room:
            raise StoreUnavailable("no space left on device")
        return super().put(key, data, **asked)


def test_what_a_failed_attempt_staged_makes_room_for_how_it_ended():
    journal = Journal(Small(), new_run(), clock=lambda: 1000.0)
    failure = Transient("the store did not take install_only.tar.zst").failure("stage")
    said = Result(
        run=journal.run, cell=str(CELL), attempt=1, worker="w", engine="e", recipe="r", inputs="i", failure=failure
    ).model_dump_json()
    for name, data in ((STAGED_LOG, b"gcc\n" * 50), (STAGED_RESULT, said.encode()), ("install_only.tar.gz", b"")):
        journal.store.put(run_keys.staging(journal.run, CELL, 1, name), data)
    used = sum(stat.size for stat in journal.store.list(""))
    journal.store.put(run_keys.staging(journal.run, CELL, 1, "install_only.tar.gz"), b"x" * (5000 - used))
    with pytest.raises(StoreUnavailable):
        journal.keep_log(CELL, 1)
    outcome = Settler(journal, lambda *_: "").settle(CELL, 1, None)
    conclude(journal, CELL, 1, outcome)
    assert journal.log_tail(outcome.log) == ["gcc"] * 50
    assert again(journal).outcome(CELL).failure == failure
