"""Routing by what a worker can do, quarantine, and why a cell waits: as values, without Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from farm.cli.main import cli
from farm.dispatch.decide import Attempt, Ending, Expire, Record, Sight, Wanted, decide
from farm.dispatch.drain import drain, drained
from farm.dispatch.grants import Granter
from farm.dispatch.journal import Journal, new_run
from farm.dispatch.lookout import Lookout
from farm.dispatch.quarantine import LONGEST_S, Hosts, host_of, quarantine
from farm.dispatch.records import AttemptNote, Outcome, PlannedCell
from farm.dispatch.standing import Standing, refusals
from farm.dispatch.tempo import Tempo
from farm.dispatch.why import why
from farm.plan.facts import load_facts
from farm.plan.recipe import HOWS
from farm.settings import Settings
from farm.show import standing as show
from farm.show.runs import workers as table
from farm.store.folder import FolderStore
from farm.wire.messages import Denial, Grant, GrantRequest, WorkerCard
from farm.wire.queue import host_arch
from farm.wire.routes import Route, build_queue
from tests.dispatch.making import INPUTS, cell, recipe
from tests.fakes import MemoryStore
from workers import abilities
from workers.liveness import Deafness

NOW = 1_000_000.0
TEMPO = Tempo(quarantine_after=3, quarantine_s=10)
A, B = cell(), cell("3.13.6-debian13")


@given(
    st.sampled_from(["debian13", "ubuntu24.04", "alpine3.20", "el9"]),
    st.sampled_from(["amd64", "arm64"]),
    st.sampled_from(HOWS),
    st.sampled_from(["", "fast", "big-memory"]),
)
def test_a_queues_name_says_what_it_is_for(distro, arch, how, label):
    assert Route.parse(build_queue(arch, distro, how, label)) == Route(distro, arch, how, label)


def test_what_a_worker_takes_follows_from_what_it_can_do_and_is_told_to():
    here, there, facts = host_arch(), "arm64", load_facts()
    usual = abilities.queues(Settings(), facts, [])
    assert build_queue(here, "debian13") in usual
    assert not [queue for queue in usual if there in queue]
    both = abilities.queues(Settings(labels=("fast",)), facts, [there])
    assert {build_queue(there, "debian12", "cross"), build_queue(here, "debian12", "native", "fast")} <= {*both}
    assert abilities.queues(Settings(families=("no-such-family",)), facts, [there]) == ()


def test_lists_come_from_the_environment_as_words_and_go_on_to_the_worker(monkeypatch):
    monkeypatch.setenv("FARM_LABELS", "fast, big")
    settings = Settings()
    assert settings.labels == ("fast", "big")
    assert settings.child_environment()["FARM_LABELS"] == "fast,big"


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


def test_where_nothing_runs_the_status_says_which_setting_names_a_farm(tmp_path, monkeypatch):
    monkeypatch.setenv("FARM_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("FARM_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("FARM_BROKER_URL", raising=False)
    assert "no farm runs here, and FARM_BROKER_URL names none" in CliRunner().invoke(cli, ["status"]).output
    monkeypatch.setenv("FARM_BROKER_URL", f"redis+socket://{tmp_path}/away")
    assert "does not answer" in CliRunner().invoke(cli, ["status"]).output


def test_beats_alone_do_not_keep_an_attempt_alive_for_ever():
    attempt = Attempt(1, "h.1.2", NOW - 60 - 3600 - 1, deadline_s=60)
    sight = Sight({A: Record((attempt,))}, seen={(A, 1): NOW})
    (action,) = decide(Wanted("r", (A,)), sight, NOW, TEMPO)
    assert isinstance(action, Expire)
    assert "after its deadline" in action.why


def card(**changes):
    values = {"name": "h.1", "queues": (build_queue(A.arch, A.distro),), "slots": 2, "engine": "Docker Engine 20.10"}
    return WorkerCard(**(values | changes))


REASONS = {
    "no worker at all": ([], Sight(), "no live worker builds debian13 for {arch}: there is no worker at all"),
    "other distros only": (
        [card(queues=(build_queue(A.arch, "debian11"),))],
        Sight(),
        "no live worker builds debian13 for {arch}: h.1 builds debian11-{arch}.native",
    ),
    "a label": ([card()], Sight(), "with the label 'fast'"),
    "an engine that refuses": (
        [card(engine="", trouble="no daemon\nat all", refused_at=NOW - 60)],
        Sight(),
        "the container engine of h.1 refuses since 60 s: no daemon",
    ),
    "a quarantine": (
        [card()],
        Sight({B: ended("h.1.2", *["transient"] * 3)}),
        "h.1 is quarantined: h failed 3 times in a row and is granted nothing for another 9 s",
    ),
    "a drained host": ([card()], Sight(drained=frozenset({"h"})), "h is drained: `farm drain --undo h`"),
    "a worker that stops": ([card(stopping=True)], Sight(), "h.1 is told to stop"),
    "a deaf worker": ([card(deaf_s=99)], Sight(), "h.1 is connected and takes no work since 99 s"),
    "all busy": (
        [card(slots=1)],
        Sight({B: Record((Attempt(1, "h.1.2", NOW),))}),
        "all 1 slots of 1 workers are busy",
    ),
    "later": (
        [card()],
        Sight({A: ended("other.1.2", "transient", last=NOW)}),
        "it failed in passing 1 times, and is tried again in",
    ),
    "in the queue": ([card()], Sight(sent={A: NOW}), "it was sent, and waits to be taken; 2 of 2 slots are free"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_it_is_said_why_a_cell_waits(reason):
    cards, sight, said = REASONS[reason]
    wanted = Wanted("r", (A, B), label="fast" if reason == "a label" else "")
    told = "\n".join(why(A, wanted, sight, cards, NOW, TEMPO))
    assert said.format(arch=A.arch) in told


def test_a_worker_that_builds_for_other_runs_is_busy_too():
    def told(*others):
        return list(why(A, Wanted("r", (A, B)), Sight(), [card()], NOW, TEMPO, others=others))

    assert told(Attempt(1, "h.1.8", NOW), Attempt(1, "h.1.9", NOW)) == [
        "waiting: all 2 slots of 1 workers are busy, 2 of them with other runs"
    ]
    assert told(Attempt(1, "h.1.8", NOW), Attempt(1, "h.11.9", NOW)) == ["waiting: it is not sent yet; 1 of 2 slots are free"]


def test_the_table_of_workers_tells_what_each_takes():
    several = card(queues=(build_queue("amd64", "debian12"), build_queue("amd64", "debian13")), labels=("fast",), deaf_s=99)
    assert "amd64 native: debian12 debian13; labels: fast; TAKES NOTHING SINCE 99 s" in table([several], {}, NOW)


def test_a_host_that_is_granted_nothing_is_not_shown_as_fit():
    why = "h.1 is quarantined: h failed 3 times in a row and is granted nothing for another 9 s"
    seen = Standing("s", NOW, (), (), (card(), card(name="other.1")), scheduler=True, refused={"h.1": why})
    told = show.text(seen)
    assert [line.split()[0] for line in told.splitlines() if "GRANTED NOTHING" in line] == ["h.1"]
    assert told.endswith(why)
    assert [(one["name"], one["refused"]) for one in show.as_data(seen)["workers"]] == [("h.1", why), ("other.1", "")]
    page = show.page(seen)
    assert f'<tr class="trouble"><td>h.1</td><td>{why}</td>' in page
    assert '<tr class=""><td>other.1</td>' in page
    assert "GRANTED" not in show.text(replace(seen, refused={}))


def test_who_looks_at_workers_is_told_what_the_scheduler_would_decide():
    hosts, store = Hosts(), MemoryStore()
    hosts.saw("r", {A: ended("h.1.2", *["transient"] * 3)}, NOW)
    drain(store, "d")
    cards = [card(), card(name="h.7"), card(name="d.1"), card(name="good.1")]
    told = refusals(Settings(backoff_s=5), store, cards, hosts, NOW)
    assert sorted(told) == ["d.1", "h.1", "h.7"]
    assert told["h.7"].endswith("h failed 3 times in a row and is granted nothing for another 9 s")


def test_a_worker_is_deaf_only_while_work_waits_and_it_has_none():
    class Mail:
        waiting = 1

        def lengths(self, _queues):
            return self.waiting

    now, busy, mail = [0.0], [False], Mail()
    deaf = Deafness(("q",), lambda: busy[0], lambda: now[0])
    told = []
    for at, waiting, has in [
        (0, 1, False),
        (5, 1, False),
        (6, 0, False),
        (7, 1, False),
        (9, 1, True),
        (10, 1, False),
        (12, 1, False),
    ]:
        now[0], mail.waiting, busy[0] = at, waiting, has
        told.append(deaf.seconds(mail))
    assert told == [0, 5, 0, 0, 0, 0, 2]
