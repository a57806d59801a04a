"""Workers of a shared farm as processes, over a real Redis: stopped, started again, deaf, labelled, and sharing fairly."""

import json
import shutil
import time

import pytest

from farm.dispatch.journal import Journal, new_run
from farm.dispatch.quarantine import host_of
from farm.dispatch.records import RunPlan
from farm.dispatch.tempo import Tempo
from farm.wire.mailbox import SchedulerMail
from farm.wire.routes import build_queue
from tests.dispatch.conftest import WORKER, eventually
from tests.dispatch.making import ARCH, cell, wish
from tests.dispatch.test_command import CELL
from tests.dispatch.test_scheduler import OTHER, Farm

WORKER_OF_ONE = (*WORKER, "--slots", "1")
PATIENCE_S = 240  # processes of a busy machine take a minute to start


@pytest.fixture
def farm(tmp_path, shared):
    mail = SchedulerMail(shared)
    mail.clear()
    mail.close()
    made = Farm(tmp_path, shared)
    yield made
    for child in made.children:
        child.kill()
        child.wait()


def started(farm):
    file = farm.script / "started"
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [cell for cell, attempt, _ in lines if attempt != "0"]


def cards_of(farm):
    mail = SchedulerMail(farm.environment["FARM_BROKER_URL"])
    try:
        return mail.workers()
    finally:
        mail.close()


def attempts(farm):
    return [stat.key for stat in farm.store.list("runs/") if "/attempts/" in stat.key]


def test_a_worker_that_is_told_to_stop_finishes_what_it_builds_and_takes_nothing_new(farm):
    let_go = farm.hold()
    worker = farm.launch(*WORKER_OF_ONE)
    farm.scheduler()
    farm.ask()
    eventually(lambda: started(farm), PATIENCE_S)
    worker.terminate()
    cards = eventually(lambda: [one for one in cards_of(farm) if one.stopping], PATIENCE_S)
    assert cards[0].queues == ()
    let_go()
    assert worker.wait(PATIENCE_S) == 0
    assert started(farm) == [CELL], "it took something new"
    farm.worker()
    eventually(lambda: len(farm.builds()) == 2, PATIENCE_S)
    assert len(attempts(farm)) == 2, "an attempt was lost"


def test_a_worker_that_cannot_finish_in_time_hands_its_work_back(farm):
    let_go = farm.hold()
    farm.environment["FARM_STOP_S"] = "2"
    worker = farm.launch(*WORKER_OF_ONE)
    farm.scheduler()
    farm.ask("--only", CELL)
    eventually(lambda: started(farm), PATIENCE_S)
    began = time.monotonic()
    worker.terminate()
    worker.wait(PATIENCE_S)
    assert time.monotonic() - began < PATIENCE_S
    let_go()
    farm.worker()
    eventually(lambda: len(farm.builds()) == 1, PATIENCE_S)
    assert len(attempts(farm)) == 2


def test_a_worker_that_is_connected_and_deaf_is_seen_and_starts_anew(farm):
    (farm.script / "deaf").touch()
    farm.environment["FARM_DEAF_S"] = "6"
    worker = farm.worker()
    farm.scheduler()
    farm.ask("--only", CELL)
    eventually(lambda: any(one.deaf_s > 0 for one in cards_of(farm)), PATIENCE_S)
    eventually(lambda: len(farm.builds()) == 1, PATIENCE_S)
    assert "starting anew" in farm.said()
    assert worker.poll() is None, "it is the same process, with the same pid, for whoever supervises it"


def test_a_worker_whose_temporary_files_were_removed_starts_anew(farm, tmp_path):
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    farm.environment |= {"TMPDIR": str(tmp), "FARM_PRESENCE_S": "4"}
    worker = farm.worker()
    eventually(lambda: cards_of(farm), PATIENCE_S)
    for folder in tmp.iterdir():
        shutil.rmtree(folder)
    farm.scheduler()
    farm.ask("--only", CELL)
    eventually(lambda: len(farm.builds()) == 1, PATIENCE_S)
    assert "folder for temporary files: starting anew" in farm.said()
    assert worker.poll() is None


def test_a_drained_host_finishes_what_it_builds_and_another_run_waits(farm):
    let_go = farm.hold()
    farm.launch(*WORKER_OF_ONE)
    farm.scheduler()
    farm.ask("--only", CELL)
    eventually(lambda: started(farm), PATIENCE_S)
    host = host_of(cards_of(farm)[0].name)
    code, out, err = farm.run("drain", host)
    assert (code, err) == (0, ""), out
    let_go()
    eventually(lambda: len(farm.builds()) == 1, PATIENCE_S)
    farm.ask()
    eventually(lambda: "is drained" in farm.said(), PATIENCE_S)
    assert f"{host} is drained" in farm.run("why", OTHER)[1]
    _, out, err = farm.run("workers")
    assert "GRANTED NOTHING" in out
    assert f"{host} is drained" in err
    assert started(farm) == [CELL]
    farm.run("drain", "--undo", host)
    eventually(lambda: len(farm.builds()) == 2, PATIENCE_S)
    assert len(attempts(farm)) == 2, "draining cost an attempt"


def test_a_quarantined_host_is_shown_as_such(farm):
    farm.environment |= {"FARM_ATTEMPTS": "20", "FARM_BACKOFF_S": "1"}
    (farm.script / f"{CELL}.script").write_text("transient")
    farm.worker()
    farm.scheduler()
    farm.ask("--only", CELL)
    eventually(lambda: "is quarantined" in farm.run("workers")[2], PATIENCE_S)

    def refused():
        return [card["refused"] for card in json.loads(farm.run("status", "--json")[1])["workers"]]

    assert "times in a row and is granted nothing" in eventually(lambda: "".join(refused()), PATIENCE_S)


def test_a_label_is_asked_for_and_served(farm):
    farm.worker()
    farm.scheduler()
    run = farm.ask("--only", CELL, "--label", "fast")
    eventually(lambda: f"{run}: driving it" in farm.said(), PATIENCE_S)
    assert "with the label 'fast'" in farm.run("why", CELL)[1]
    assert farm.builds() == []
    farm.environment["FARM_LABELS"] = "fast"
    farm.worker()
    eventually(lambda: len(farm.builds()) == 1, PATIENCE_S)


def asked(farm, *cells, priority="normal"):
    """A run of cells that no matrix could name."""
    run = new_run()
    planned = tuple(wish(one).planned() for one in cells)
    plan = RunPlan(run=run, started="", deadline_s=600, cells=planned, priority=priority)
    Journal(farm.store, run).ask(plan)
    return run


def test_a_run_of_many_does_not_starve_one_of_few(farm):
    """Forty cells are asked for first, one slot builds them, and three more come: those do not wait for the forty."""
    many = [f"3.13.{patch}-{distro}" for patch in range(20) for distro in ("debian13", "debian12")]
    first = cell(many[0])
    let_go = farm.hold(first)
    farm.launch(*WORKER_OF_ONE)
    farm.scheduler()
    asked(farm, *many)
    eventually(lambda: started(farm), PATIENCE_S)
    few = asked(farm, *(f"3.14.{patch}-debian13" for patch in range(3)))
    queue = build_queue(ARCH, "debian13")
    mail = SchedulerMail(farm.environment["FARM_BROKER_URL"])
    eventually(lambda: len([task for task in mail.waiting(queue) if task.startswith(few)]) == 3, PATIENCE_S)
    mail.close()
    let_go()
    eventually(lambda: len([name for name in started(farm) if name.startswith("3.14.")]) == 3, PATIENCE_S)
    before = len([name for name in started(farm) if name.startswith("3.13.")])
    # queues take turns: for each that waits before the few, and for each of them, one of the other distro's
    assert before <= 2 * (Tempo.window + 3), f"the few waited for {before} of the many"


def test_a_run_of_high_priority_goes_before_those_that_were_asked_for_before_it(farm):
    runs = {"low": "3.12", "normal": "3.13", "high": "3.14"}
    let_go = farm.hold(cell("3.11.1-debian13"))
    farm.launch(*WORKER_OF_ONE)
    farm.scheduler()
    asked(farm, "3.11.1-debian13")
    eventually(lambda: started(farm), PATIENCE_S)
    mail = SchedulerMail(farm.environment["FARM_BROKER_URL"])
    for priority, series in runs.items():
        run = asked(farm, *(f"{series}.{patch}-debian13" for patch in range(3)), priority=priority)
        waiting = lambda run=run: len([task for task in mail.waiting(build_queue(ARCH, "debian13")) if task.startswith(run)])  # noqa: E731
        eventually(lambda waiting=waiting: waiting() == 3, PATIENCE_S)
    mail.close()
    let_go()
    eventually(lambda: len(started(farm)) == 10, PATIENCE_S)
    order = [name[:4] for name in started(farm)[2:]]  # one more was reserved when they came
    assert order == sorted(order, reverse=True)
