"""The trusted side's services as processes: a publisher apart, a status page, logs of what is going on."""

import json
import signal
import sys

import pytest
import requests

from farm.store import run_keys
from tests.dispatch.conftest import eventually
from tests.dispatch.services import PATIENCE_S, serving
from tests.dispatch.test_command import CELL
from tests.dispatch.test_scheduler import OTHER


@pytest.fixture
def farm(tmp_path, shared):
    with serving(tmp_path, shared) as made:
        yield made


def test_a_publisher_apart_publishes_and_the_scheduler_does_not(farm):
    farm.environment |= {"FARM_PUBLISHER": "service"}
    farm.builder()
    farm.service("scheduler")
    run = farm.ask()
    staged = lambda: {stat.key.split("/")[2] for stat in farm.store.list(run_keys.staging_of(run)) if "result" in stat.key}  # noqa: E731
    eventually(lambda: staged() == {CELL, OTHER}, PATIENCE_S)
    assert farm.builds() == [], "somebody published before there was a publisher"
    broker = farm.environment.pop("FARM_BROKER_URL")
    publisher = farm.service("publisher")  # which has no way into a Redis
    farm.environment["FARM_BROKER_URL"] = broker
    farm.over()
    assert len(farm.builds()) == 2
    assert list(farm.store.list("staging/")) == []
    told = [record for record in farm.records() if record.get("cell") == CELL and "published as" in record["message"]]
    assert [(record["run"], record["attempt"]) for record in told] == [(run, 1)]
    assert farm.metrics("publisher")['farm_attempts_ended_total{state="published",step=""}'] == 2
    # What is published already is listed again by the publisher, and the run ends only then.
    again = farm.ask()
    eventually(lambda: list(farm.store.list(run_keys.relisted(again))), PATIENCE_S)
    farm.over()
    publisher.send_signal(signal.SIGTERM)
    assert publisher.wait(20) == 0


def test_two_publishers_end_each_attempt_once(farm):
    farm.environment |= {"FARM_PUBLISHER": "service"}
    (farm.script / f"{OTHER}.script").write_text("build-failed")
    farm.worker()
    for name in ("scheduler", "publisher"):
        farm.service(name)
    farm.launch(sys.executable, "-m", "tests.dispatch.farm_child", "publisher")
    run = farm.ask()
    farm.over()
    ends = sorted(stat.key.removeprefix(run_keys.outcomes(run)) for stat in farm.store.list(run_keys.outcomes(run)))
    assert ends == sorted([f"{CELL}/1.published.json", f"{OTHER}/1.build-failed.json"])


def test_the_status_is_a_page_and_data_and_text(farm):
    let_go = farm.hold()
    farm.worker()
    farm.service("scheduler")
    run = farm.ask()
    farm.building()
    at = f"127.0.0.1:{farm.ports['status']}"
    farm.launch(sys.executable, "-m", "tests.dispatch.farm_child", "status", "--listen", at)
    page = eventually(lambda: farm._asked(f"http://{at}/"), PATIENCE_S)
    assert CELL in page
    assert run in page
    data = requests.get(f"http://{at}/status.json", timeout=60).json()
    assert data["scheduler"]
    assert [(cell["run"], cell["state"]) for cell in data["cells"] if cell["name"] == CELL] == [(run, "building")]
    assert [card["slots"] for card in data["workers"]] == [2]
    assert requests.get(f"http://{at}/runs", timeout=60).status_code == 404
    code, out, _ = farm.run("status")
    assert (code, "a scheduler drives it" in out) == (0, True)
    let_go()
    farm.over()
    assert json.loads(farm.run("status", "--json")[1])["cells"] == []


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1:http", "127.0.0.1:99999"])
def test_where_nothing_can_listen_is_said(farm, listen):
    code, _, err = farm.run("status", "--listen", listen)
    assert code == 2
    assert listen in err


def test_watch_in_a_pipe_has_the_chosen_log_and_what_of_it_says_why_a_cell_failed(farm):
    (farm.script / f"{CELL}.script").write_text("build-failed")
    let_go = farm.hold()
    farm.worker()
    farm.service("scheduler")
    run = farm.ask()
    farm.building()
    looking = farm.start("watch", run, "--cell", CELL)
    code, out, err = farm.run("logs", CELL)
    assert (code, "still compiling" in out) == (0, True), err
    eventually(
        lambda: farm.store.list(run_keys.outcomes(run)) and OTHER in str(list(farm.store.list(run_keys.outcomes(run)))),
        PATIENCE_S,
    )
    let_go()
    out, _ = looking.communicate(timeout=PATIENCE_S)
    assert looking.returncode == 3
    assert f"{CELL} | still compiling" in out
    assert "    error: this one is build-failed" in out
    assert farm.run("watch", run, "--cell", "3.9.2-debian11-amd64")[0] == 2
    first = farm.run("logs", CELL, "--attempt", "1")[1]
    assert first.count("error: this one is build-failed") == 1
