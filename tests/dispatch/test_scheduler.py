"""A farm of several processes on one Redis: a scheduler, a worker, and people who ask for runs, look on and take back."""

import json
import signal
import subprocess
import sys
import time

import pytest
import redis

from farm.store import catalog, run_keys
from farm.wire.mailbox import SchedulerMail
from tests.dispatch.conftest import WORKER, ended, eventually
from tests.dispatch.making import ARCH
from tests.dispatch.test_command import CELL, Command

OTHER = f"3.13.5-debian12-{ARCH}"


class Farm(Command):
    """A folder to run `farm` in, with a Redis that is shared."""

    def __init__(self, folder, url):
        super().__init__(folder)
        both = (folder / "matrix.yaml").read_text().replace("[debian13]", "[debian13, debian12]")
        (folder / "matrix.yaml").write_text(both)
        self.environment |= {"FARM_BROKER_URL": url}
        self.children = []

    def lose_nothing(self):
        """A lease that no busy machine lets run out: who takes over waits longer, and finds every attempt as it was."""
        self.environment["FARM_LEASE_S"] = "20"

    def launch(self, *command):
        with (self.folder / "service.log").open("ab") as log:
            child = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        self.children.append(child)
        return child

    def scheduler(self):
        return self.launch(sys.executable, "-m", "tests.dispatch.farm_child", "scheduler")

    def worker(self):
        return self.launch(*WORKER, "--slots", "2")

    def ask(self, *words):
        code, out, err = self.run("submit", "--no-wait", "--json", *words)
        assert code == 0, err
        return json.loads(out)["run"]

    def hold(self, cell=CELL):
        (self.script / f"{cell}.hold").touch()
        return (self.script / f"{cell}.hold").unlink

    def builds(self):
        return catalog.published(self.store)

    def said(self):
        return (self.folder / "service.log").read_text()


@pytest.fixture
def farm(tmp_path, shared):
    mail = SchedulerMail(shared)
    mail.clear()
    mail.close()
    made = Farm(tmp_path, shared)
    yield made
    ended(made.children)


def test_a_worker_tells_other_workers_nothing(farm, shared):
    """Celery's events wait for Redis for ever, deaf to SIGTERM, once its password is not good any more."""
    farm.worker()
    eventually(lambda: "ready." in farm.said())
    client = redis.Redis.from_url(shared.replace("redis+socket:", "unix:"))
    with client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.psubscribe("*celeryev*")
        ends = time.monotonic() + 5  # heartbeats came every two seconds
        while time.monotonic() < ends:
            assert heard.get_message(timeout=1) is None


def test_a_run_that_nobody_waits_for_is_driven_by_the_scheduler(farm):
    run = farm.ask()
    _, out, _ = farm.run("runs")
    assert f"{run}  going  normal" in out
    assert farm.run("workers")[1].startswith("no worker shows itself")
    farm.worker()
    farm.scheduler()
    _, out, err = eventually(lambda: (said := farm.run("watch", run))[0] == 0 and said, 60)
    assert f"{CELL}  published" in out, err
    assert len(farm.builds()) == 2
    assert list(farm.store.list("open/")) == []
    assert list(farm.store.list("staging/")) == []
    (line,) = json.loads(farm.run("runs", "--json")[1])
    assert (line["going"], line["cells"], line["published"], line["left"]) == (False, 2, 2, 0)
    assert "2 slots" not in farm.run("workers")[1]
    (card,) = json.loads(farm.run("workers", "--json")[1])
    assert card["slots"] == 2
    assert "compiling" in farm.run("logs", CELL)[1]
    assert farm.run("submit", "--no-wait")[1].endswith("everything is published already\n")


def test_who_looks_on_waits_for_a_scheduler_that_is_restarted(farm):
    farm.worker()
    run = farm.ask()
    farm.environment["FARM_PRESENCE_S"] = "2"
    code, _, err = farm.run("watch", run)
    assert code == 3
    assert f"nobody drives the run {run} any more" in err
    farm.environment["FARM_PRESENCE_S"] = "60"
    watching = farm.start("watch", run)
    time.sleep(2)  # much longer than it looks once
    assert watching.poll() is None
    farm.scheduler()
    _, err = watching.communicate(timeout=60)
    assert watching.returncode == 0, err


def test_a_scheduler_takes_up_the_run_of_a_submit_that_was_killed(farm):
    farm.lose_nothing()
    let_go = farm.hold()
    farm.worker()
    farm.scheduler()
    waiting = farm.start("submit")
    farm.building()
    waiting.send_signal(signal.SIGKILL)
    waiting.communicate()
    eventually(lambda: "driving it" in farm.said(), 90)
    let_go()
    eventually(lambda: len(farm.builds()) == 2, 60)
    eventually(lambda: not list(farm.store.list("open/")), 30)
    attempts = [stat.key for stat in farm.store.list("runs/") if "/attempts/" in stat.key]
    assert len(attempts) == 2, "the attempt that was going on was lost"


def test_what_was_published_by_a_submit_that_died_before_it_wrote_so_is_neither_built_nor_waited_for_again(farm):
    farm.lose_nothing()
    (farm.folder / "die-published").touch()
    farm.worker()
    farm.scheduler()
    died = farm.start("submit")
    died.communicate(timeout=60)
    assert died.returncode == -signal.SIGKILL
    eventually(lambda: len(farm.builds()) == 2, 60)
    eventually(lambda: not list(farm.store.list("open/")), 30)
    attempts = [stat.key for stat in farm.store.list("runs/") if "/attempts/" in stat.key]
    assert len(attempts) == 2, attempts


def test_two_schedulers_publish_each_cell_once(farm):
    farm.worker()
    farm.scheduler()
    farm.scheduler()
    run = farm.ask()
    eventually(lambda: len(farm.builds()) == 2 and not list(farm.store.list("open/")), 60)
    assert len({build.cell for build in farm.builds()}) == 2
    assert not [stat.key for stat in farm.store.list(run_keys.outcomes(run)) if "published" not in stat.key]


def test_a_scheduler_that_is_killed_is_replaced_and_one_that_is_stopped_leaves_runs_open(farm):
    farm.lose_nothing()
    let_go = farm.hold()
    farm.worker()
    first = farm.scheduler()
    run = farm.ask()
    farm.building()
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = farm.scheduler()
    eventually(lambda: farm.said().count(f"{run}: driving it") == 2, 90)
    second.terminate()
    assert second.wait(20) == 0
    assert "left open" in farm.said()
    farm.scheduler()
    let_go()
    eventually(lambda: len(farm.builds()) == 2, 60)


def test_a_cell_is_cancelled_within_seconds_and_resumed_later(farm):
    let_go = farm.hold()
    farm.worker()
    farm.scheduler()
    run = farm.ask()
    farm.building()
    began = time.monotonic()
    code, out, err = farm.run("cancel", CELL)
    assert (code, out) == (0, f"run {run}: 1 cell cancelled\n"), err
    eventually(lambda: not list(farm.store.list("open/")), 30)
    assert time.monotonic() - began < 20
    assert [str(build.cell) for build in farm.builds()] == [OTHER]
    assert "cancelled" in farm.run("why", CELL)[1]
    code, _, err = farm.run("cancel", run)
    assert code == 2
    assert "nothing that has not ended" in err
    let_go()
    code, out, err = farm.run("resume", run)
    assert code == 0, err
    assert [str(build.cell) for build in farm.builds()] == [OTHER, CELL]


def test_a_whole_run_is_cancelled_within_seconds(farm):
    farm.hold()
    farm.hold(OTHER)
    farm.worker()
    farm.scheduler()
    run = farm.ask()
    farm.building()
    began = time.monotonic()
    code, out, err = farm.run("cancel", run)
    assert (code, out) == (0, f"run {run}: 2 cells cancelled\n"), err
    eventually(lambda: not list(farm.store.list("open/")), 30)
    assert time.monotonic() - began < 20
    assert farm.builds() == []
    assert list(farm.store.list("staging/")) == []


def test_only_what_failed_is_asked_for_again(farm):
    (farm.script / f"{CELL}.script").write_text("build-failed")
    farm.worker()
    farm.scheduler()
    run = farm.ask()
    eventually(lambda: not list(farm.store.list("open/")), 60)
    assert "failed for good" in (said := farm.run("why", CELL)[1])
    assert "its last failure: it was scripted" in said
    (farm.script / f"{CELL}.script").write_text("ok")
    code, out, err = farm.run("retry", run, "--no-wait", "--json")
    assert code == 0, err
    again = json.loads(out)["run"]
    eventually(lambda: len(farm.builds()) == 2, 60)
    assert farm.run("watch", again)[0] == 0
    code, _, err = farm.run("retry", again)
    assert code == 2
    assert "no cell that is failed: 1 published" in err


def test_it_is_said_why_nothing_happens(farm):
    run = farm.ask()
    said = farm.run("why", CELL)[1]
    assert "there is no worker at all" in said
    assert "nobody drives the run" in said
    code, _, err = farm.run("logs", CELL)
    assert code == 2
    assert f"no attempt at {CELL} was made in run {run}" in err
    assert "no run of the store" in farm.run("why", f"3.13.4-debian13-{ARCH}")[2]


def test_no_wait_and_the_scheduler_need_a_redis_that_is_shared(farm):
    farm.environment.pop("FARM_BROKER_URL")
    for words in (["submit", "--no-wait"], ["scheduler"]):
        code, _, err = farm.run(*words)
        assert code == 2
        assert "FARM_BROKER_URL" in err
