"""Hosts that fail, or are drained, and are granted nothing: as values, without Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from farm.cli.main import cli
from farm.dispatch.decide import Attempt, Ending, Record, Sight, Wanted
from farm.dispatch.drain import drained
from farm.dispatch.grants import Granter
from farm.dispatch.journal import Journal, new_run
from farm.dispatch.lookout import Lookout
from farm.dispatch.quarantine import LONGEST_S, Hosts, host_of, quarantine
from farm.dispatch.records import AttemptNote, Outcome, PlannedCell
from farm.dispatch.tempo import Tempo
from farm.store.folder import FolderStore
from farm.wire.messages import Denial, Grant, GrantRequest
from tests.dispatch.making import INPUTS, cell, recipe
from tests.fakes import MemoryStore

NOW = 1_000_000.0
TEMPO = Tempo(quarantine_after=3, quarantine_s=10)
A, B = cell(), cell("3.13.6-debian13")


def ended(worker, *states, last=NOW - 1):
    """A record of attempts by one worker that ended so, one second after the other."""
    first = last - len(states) + 1
    attempts = tuple(Attempt(number, worker, first + number - 1.5) for number in range(1, len(states) + 1))
    return Record(attempts, {number: Ending(state, first + number - 1) for number, state in enumerate(states, 1)})


def test_a_host_that_fails_in_a_row_waits_longer_each_time():
    waits = []
    for failures in range(1, 14):
        sight = Sight({A: ended("h.1.2", *["transient"] * failures)})
        found = quarantine("h.1.9", sight, NOW, TEMPO)
        waits.append(found.until - (NOW - 1) if found else 0)
    assert waits[:6] == [0, 0, 10, 20, 40, 80]
    assert waits[-1] == LONGEST_S


@pytest.mark.parametrize("good", ["published", "build-failed", "verification-failed"])
def test_one_that_ends_well_makes_up_for_all_failures(good):
    failed = ended("h.1.2", *["transient"] * 5, last=NOW - 10)
    assert quarantine("h.1.2", Sight({A: failed}), NOW, TEMPO)
    assert not quarantine("h.1.2", Sight({A: failed, B: ended("h.1.3", good)}), NOW, TEMPO)


def test_what_a_host_had_no_part_in_is_not_counted():
    failed = ended("h.1.2", *["transient"] * 5)
    excused = Record(failed.attempts, {number: replace(end, excused=True) for number, end in failed.endings.items()})
    assert quarantine("h.1.2", Sight({A: failed}), NOW, TEMPO)
    assert not quarantine("h.1.2", Sight({A: excused}), NOW, TEMPO)


def test_what_is_lost_at_once_is_one_failure():
    """A host of four slots that starts anew three times has failed three times, and not twelve."""
    cells = [cell(f"3.13.{number}-debian13") for number in range(4)]
    lost = {
        one: Record(
            tuple(Attempt(number, "h.1.2", NOW - 100 + 20 * number) for number in (1, 2, 3)),
            {number: Ending("transient", NOW - 90 + 20 * number + at) for number in (1, 2, 3)},
        )
        for at, one in enumerate(cells)
    }
    assert quarantine("h.1.9", Sight(lost), NOW - 26, TEMPO).failures == 3


def test_another_host_is_not_blamed_and_a_quarantine_ends():
    sight = Sight({A: ended("bad.example.org.1.2", *["transient"] * 3)})
    assert quarantine("bad.example.org.7", sight, NOW, TEMPO)
    assert not quarantine("good.example.org.1.2", sight, NOW, TEMPO)
    assert not quarantine("bad.example.org.1.2", sight, NOW + 10, TEMPO)
    assert host_of("10.0.0.7") == "10", "a name of numbers is at least not empty"


def test_a_host_that_fails_in_one_run_after_the_other_is_noticed_too():
    hosts = Hosts()
    for number in range(3):
        hosts.saw(f"run-{number}", {A: ended("bad.1.2", "transient", last=NOW - number)}, NOW)
    sight = Sight(elsewhere=hosts.elsewhere("another"))
    assert quarantine("bad.1.9", sight, NOW, TEMPO).failures == 3
    assert not quarantine("good.1.9", sight, NOW, TEMPO)
    assert not quarantine("bad.1.9", Sight(elsewhere=hosts.elsewhere("run-0")), NOW, TEMPO), "a run counts its own by itself"
    assert quarantine(
        "bad.1.9", Sight({A: ended("bad.1.2", "transient", last=NOW)}, elsewhere=hosts.elsewhere("run-0")), NOW, TEMPO
    )
    hosts.saw("run-3", {B: ended("bad.1.2", "published", last=NOW)}, NOW)
    assert not quarantine("bad.1.9", Sight(elsewhere=hosts.elsewhere("another")), NOW, TEMPO)
    hosts.saw("run-4", {}, NOW + 2 * LONGEST_S + 1)
    assert hosts.elsewhere("another") == (), "what is too old is forgotten"


def test_what_one_run_sees_of_a_host_the_next_run_of_the_same_process_knows(tmp_path):
    hosts, store = Hosts(), MemoryStore()

    def look(of):
        journal = Journal(store, new_run(), clock=lambda: NOW)
        for number in (1, 2, 3) if of is A else ():
            journal.grant(of, number, AttemptNote(worker="bad.1.2", granted=NOW - 4.5 + number, deadline_s=60))
            journal.end(of, number, Outcome(state="transient", at=NOW - 4 + number))
        lookout = Lookout(journal, None, Wanted(journal.run, (of,)), frozenset(), TEMPO, lambda: NOW, hosts)
        lookout.look_at_store()
        return lookout.sight

    look(A)
    assert quarantine("bad.1.9", look(B), NOW, TEMPO).failures == 3


def test_a_quarantined_host_is_denied_and_told_how_long():
    journal = Journal(MemoryStore(), "20260101-000000-abcdef")
    planned = {of: PlannedCell(cell=str(of), channel="dev", triple="x", recipe=recipe(of), inputs=INPUTS) for of in (A, B)}
    granter = Granter(journal, planned, Wanted(journal.run, (A, B)), journal.store, TEMPO, 60)
    sight = Sight({A: ended("bad.1.2", *["transient"] * 3)})

    def ask(worker):
        return granter.answer(GrantRequest(run=journal.run, cell=str(B), worker=worker, reply="0" * 32), sight, NOW)

    denied = ask("bad.1.5")
    assert isinstance(denied, Denial)
    assert denied.pause_s == pytest.approx(9)
    assert "failed 3 times in a row" in denied.reason
    assert isinstance(ask("good.1.5"), Grant)


def test_a_drained_host_is_denied_until_that_is_taken_back(tmp_path, monkeypatch):
    monkeypatch.setenv("FARM_STORE", str(tmp_path / "store"))
    store = FolderStore(tmp_path / "store")

    def farm(*words):
        return CliRunner().invoke(cli, ["drain", *words])

    def ask(worker):
        journal = Journal(store, new_run())
        planned = {A: PlannedCell(cell=str(A), channel="dev", triple="x", recipe=recipe(A), inputs=INPUTS)}
        granter = Granter(journal, planned, Wanted(journal.run, (A,)), store, TEMPO, 60)
        request = GrantRequest(run=journal.run, cell=str(A), worker=worker, reply="0" * 32)
        return granter.answer(request, Sight(drained=drained(store)), NOW)

    assert "no worker of that host shows itself" in farm("old.example.org").output
    denied = ask("old.example.org.17.18")
    assert (denied.reason, denied.pause_s > 0) == (
        "old.example.org is drained: `farm drain --undo old.example.org` gives it cells again", True
    )  # fmt: skip
    assert isinstance(ask("older.example.org.17.18"), Grant)
    assert farm().output == f"{denied.reason}\n"
    farm("--undo", "old.example.org")
    assert isinstance(ask("old.example.org.17.18"), Grant)
    assert (farm().stdout, farm().stderr) == ("", "no host is drained\n")
    assert "no host's name" in str(farm("two words").exception)
    assert "which host" in str(farm("--undo").exception)
