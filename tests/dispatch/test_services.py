"""The trusted side's services as processes: a publisher apart, metrics, logs for machines, one message per run, a page."""

import hashlib
import hmac
import json
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from farm.dispatch.embedded import Broker, find_server
from farm.dispatch.metrics import RETRIED_KINDS, PrometheusMeter
from farm.dispatch.records import Outcome
from farm.errors import BuildFailed, DistroMoved, Failure, Transient
from farm.store import run_keys
from farm.store.artifact import StepTime
from farm.wire.mailbox import SchedulerMail
from tests.dispatch.conftest import eventually
from tests.dispatch.test_command import CELL
from tests.dispatch.test_scheduler import OTHER, Farm
from tests.fixtures_s3 import free_ports

PATIENCE_S = 240  # a busy machine takes a minute to start a process


class Services(Farm):
    """A farm whose services show their metrics and log in JSON."""

    def __init__(self, folder, url):
        super().__init__(folder, url)
        self.ports = dict(zip(("scheduler", "publisher", "worker", "status"), free_ports(4), strict=True))
        self.environment |= {"FARM_LOG": "json"}

    def service(self, name, *words):
        child = [sys.executable, "-m", "tests.dispatch.farm_child", name, *words]
        return self._showing(name, lambda: self.launch(*child))

    def builder(self):
        return self._showing("worker", self.worker)

    def _showing(self, name, start):
        before = self.environment
        self.environment = before | {"FARM_METRICS": f"127.0.0.1:{self.ports[name]}"}
        try:
            return start()
        finally:
            self.environment = before

    def metrics(self, name):
        """Every sample: 'name{labels}' to its value."""
        text = eventually(lambda: self._asked(f"http://127.0.0.1:{self.ports[name]}/metrics"), PATIENCE_S)
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    @staticmethod
    def _asked(url):
        try:
            return requests.get(url, timeout=10).text
        except requests.ConnectionError:
            return ""

    def records(self):
        """The lines of the log that are JSON, and none may be anything else but one of a starting Celery."""
        return [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]

    def over(self):
        eventually(lambda: not list(self.store.list("open/")), PATIENCE_S)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    started = Broker(tmp_path_factory.mktemp("broker"), find_server())
    yield started.url
    started.stop()


@pytest.fixture
def farm(tmp_path, url):
    mail = SchedulerMail(url)
    mail.clear()
    mail.close()
    made = Services(tmp_path, url)
    yield made
    for child in made.children:
        child.terminate()
    for child in made.children:
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class Receiver:
    """A webhook that refuses the first messages."""

    def __init__(self, refusals):
        self.got = []
        receiver, left = self, [None] * refusals

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if left:
                    left.pop()
                    self.send_response(503)
                else:
                    receiver.got.append((dict(self.headers), body))
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://user:hidden@127.0.0.1:{self.server.server_port}/hook?token=hidden"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def receiver():
    made = Receiver(1)
    yield made
    made.server.shutdown()
    made.server.server_close()


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


def test_metrics_of_scheduler_and_builder_count_what_happens(farm):
    (farm.script / f"{CELL}.script").write_text("transient ok")
    farm.builder()
    farm.service("scheduler")
    farm.ask()
    farm.over()
    seen = farm.metrics("scheduler")
    assert seen['farm_attempts_ended_total{state="transient",step="compile"}'] == 1
    assert seen['farm_attempts_ended_total{state="published",step=""}'] == 2
    assert seen['farm_retries_total{kind="transient"}'] == 1
    assert seen['farm_grants_total{answer="granted"}'] == 3
    assert seen["farm_grants_lost_total"] == 0
    assert seen['farm_step_duration_seconds_count{step="compile"}'] == 3
    assert seen["farm_queue_age_seconds"] == 0
    assert eventually(lambda: farm.metrics("scheduler")["farm_runs_driven"] == 0, PATIENCE_S)
    built = farm.metrics("worker")
    assert built['farm_builder_attempts_total{state="built"}'] == 2
    assert built['farm_builder_attempts_total{state="transient"}'] == 1
    assert built["farm_builder_slots"] == 2
    assert built['farm_builder_disk_free_bytes{place="work"}'] > 0
    records = farm.records()
    fields = [(record["run"], record["cell"], record["attempt"]) for record in records if "begins" in record["message"]]
    assert len(fields) == 3
    assert {cell for _, cell, _ in fields} == {CELL, OTHER}


def test_a_lost_attempt_is_counted(farm):
    (farm.script / f"{CELL}.script").write_text("die ok")
    farm.worker()
    farm.service("scheduler")
    run = farm.ask()
    farm.over()
    lost = [stat.key for stat in farm.store.list(run_keys.outcomes(run)) if stat.key.endswith(".transient.json")]
    assert lost
    seen = farm.metrics("scheduler")
    assert seen["farm_grants_lost_total"] == len(lost)
    assert (seen['farm_retries_total{kind="lost"}'], seen['farm_retries_total{kind="transient"}']) == (len(lost), 0)


def test_a_builder_that_names_ever_new_steps_costs_no_memory():
    meter = PrometheusMeter()
    for number in range(1000):
        steps = (StepTime(step=f"step {number}", seconds=1.0, cpu_seconds=number % 2 or None),)
        failure = Failure("build-failed", "x", step=f"step {number}")
        meter.ended(Outcome(state="build-failed", at=0.0, failure=failure, steps=steps))
    named = {
        sample.labels["step"] for metric in meter.registry.collect() for sample in metric.samples if "step" in sample.labels
    }
    assert len(named) == 101
    assert meter.registry.get_sample_value("farm_step_duration_seconds_count", {"step": "other"}) == 900
    assert meter.registry.get_sample_value("farm_step_cpu_seconds_total", {"step": "other"}) == 450


def test_retries_are_counted_by_what_made_them_necessary():
    meter = PrometheusMeter()
    for error, lost in ((Transient("x"), False), (DistroMoved("x"), False), (Transient("x"), True), (BuildFailed("x"), False)):
        meter.ended(Outcome(state=error.kind, at=0.0, failure=error.failure()), lost=lost)
    for kind in RETRIED_KINDS:
        assert meter.registry.get_sample_value("farm_retries_total", {"kind": kind}) == 1
    assert meter.registry.get_sample_value("farm_grants_lost_total") == 1


def test_cells_are_counted_by_state_while_they_wait(farm):
    farm.service("scheduler")
    let_go = farm.hold()
    farm.worker()
    farm.ask()
    eventually(lambda: farm.metrics("scheduler")['farm_cells{state="building"}'] >= 1, PATIENCE_S)
    assert farm.metrics("scheduler")["farm_runs_driven"] == 1
    let_go()
    farm.over()


def test_one_message_is_sent_for_a_run_however_many_drive_it_and_it_is_signed(farm, receiver):
    farm.environment |= {"FARM_WEBHOOK_URL": receiver.url, "FARM_WEBHOOK_SECRET": "s3cret"}
    (farm.script / f"{OTHER}.script").write_text("build-failed")
    farm.worker()
    farm.scheduler()
    farm.scheduler()
    run = farm.ask()
    farm.over()
    ((headers, body),) = eventually(lambda: receiver.got, PATIENCE_S)
    told = json.loads(body)
    assert (told["event"], told["run"], told["ok"]) == ("run.ended", run, False)
    assert told["cells"] == {"published": 1, "already published": 0, "failed": 1, "not built": 0}
    assert [(one["cell"], one["kind"]) for one in told["failures"]] == [(OTHER, "build-failed")]
    at, given = (part.split("=")[1] for part in headers["Farm-Signature"].split(","))
    assert hmac.compare_digest(given, hmac.new(b"s3cret", f"{at}.".encode() + body, hashlib.sha256).hexdigest())
    assert headers["Farm-Delivery"] == run
    assert "hidden" not in farm.said()
    assert "s3cret" not in farm.said()


def test_a_webhook_that_is_not_there_holds_nobody_up_and_is_named_without_its_secrets(farm):
    (port,) = free_ports(1)
    farm.environment |= {"FARM_WEBHOOK_URL": f"http://me:hidden@127.0.0.1:{port}/hook"}
    code, out, err = farm.run("submit", "--with-worker")
    assert code == 0, err
    assert f"{CELL}  published" in out
    assert "hidden" not in out + err


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


def test_metrics_that_cannot_be_shown_are_said(farm):
    farm.environment |= {"FARM_METRICS": "256.0.0.1:1"}
    code, _, err = farm.run("scheduler")
    assert code == 2
    assert "metrics cannot be shown at 256.0.0.1:1" in err


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
