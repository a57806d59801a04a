"""Why a cell waits, and what is shown of the workers it waits for: as values, without Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from farm.cli.main import cli
from farm.dispatch.decide import Attempt, Record, Sight, Wanted
from farm.dispatch.drain import drain
from farm.dispatch.quarantine import Hosts
from farm.dispatch.standing import Standing, refusals
from farm.dispatch.why import why
from farm.settings import Settings
from farm.show import standing as show
from farm.show.runs import workers as table
from farm.wire.messages import WorkerCard
from farm.wire.routes import build_queue
from tests.dispatch.test_quarantine import NOW, TEMPO, A, B, ended
from tests.fakes import MemoryStore


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
    "a full disk": ([card(trouble="only 3 MiB are free\nhere")], Sight(), "h.1 takes no cell: only 3 MiB are free"),
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


def test_where_nothing_runs_the_status_says_which_setting_names_a_farm(tmp_path, monkeypatch):
    monkeypatch.setenv("FARM_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("FARM_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("FARM_BROKER_URL", raising=False)
    assert "no farm runs here, and FARM_BROKER_URL names none" in CliRunner().invoke(cli, ["status"]).output
    monkeypatch.setenv("FARM_BROKER_URL", f"redis+socket://{tmp_path}/away")
    assert "does not answer" in CliRunner().invoke(cli, ["status"]).output
