"""Routing by what a worker can do, and whether it takes what is routed to it: as values, without Redis."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from farm.plan.facts import load_facts
from farm.plan.recipe import HOWS
from farm.settings import Settings
from farm.wire.queue import host_arch
from farm.wire.routes import Route, build_queue
from workers import abilities
from workers.liveness import Deafness


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
