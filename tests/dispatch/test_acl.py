"""The users of `farm broker users`, in a real server with a real worker: what a builder needs works, the rest is refused."""

import subprocess
import time

import pytest
import redis
from click.testing import CliRunner

from farm.cli.main import cli
from farm.dispatch import doctor
from farm.dispatch.embedded import find_server
from farm.settings import Settings
from farm.store import catalog
from farm.wire.mailbox import BuilderMail, SchedulerMail, new_reply
from farm.wire.messages import Beat, GrantRequest, WorkerCard
from tests.dispatch.conftest import eventually
from tests.dispatch.making import cell
from tests.dispatch.test_command import CELL
from tests.dispatch.test_scheduler import Farm
from tests.fixtures_s3 import free_ports

RUN = "20260101-000000-abcdef"


class Guarded:
    """A server with the ACL file that the verb wrote: its addresses by user."""

    def __init__(self, folder):
        (port,) = free_ports(1)
        words = ["broker", "users", str(folder / "users.acl"), "--host", f"127.0.0.1:{port}", "--no-tls"]
        done = CliRunner().invoke(cli, words, catch_exceptions=False)
        self.urls = dict(line.split(": ", 1) for line in done.output.splitlines())
        self.text = (folder / "users.acl").read_text()
        self.mode = (folder / "users.acl").stat().st_mode & 0o777
        self.folder = folder
        self.argv = [str(find_server()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self.start()

    def start(self):
        with (self.folder / "log").open("ab") as log:
            words = [*self.argv, "--aclfile", str(self.folder / "users.acl")]
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        eventually(self._answers)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def _answers(self):
        try:
            return self.client("farm").ping()
        except redis.ConnectionError:
            return False

    def client(self, user):
        return redis.Redis.from_url(self.urls[user], decode_responses=True)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    made = Guarded(tmp_path_factory.mktemp("acl"))
    yield made
    made.stop()


@pytest.fixture
def builder(guarded):
    mail = BuilderMail(guarded.urls["builder"])
    yield mail
    mail.close()


def test_a_farm_works_whose_worker_is_only_a_builder(guarded, tmp_path):
    farm = Farm(tmp_path, guarded.urls["farm"])
    try:
        farm.environment["FARM_BROKER_URL"] = guarded.urls["builder"]
        farm.worker()
        farm.environment["FARM_BROKER_URL"] = guarded.urls["farm"]
        code, out, err = farm.run("submit", "--without-worker")
        assert code == 0, err + farm.said()
        assert f"{CELL}  published" in out
        assert len(catalog.published(farm.store)) == 2
    finally:
        for child in farm.children:
            child.kill()
            child.wait()
    assert "NOPERM" not in farm.said()


def test_a_worker_whose_user_is_gone_stops_when_it_is_told_to(tmp_path):
    (tmp_path / "redis").mkdir()
    guarded = Guarded(tmp_path / "redis")
    farm = Farm(tmp_path, guarded.urls["farm"])
    farm.environment["FARM_BROKER_URL"] = guarded.urls["builder"]
    worker = farm.worker()
    try:
        eventually(lambda: "ready." in farm.said())
        guarded.stop()
        users = [line for line in guarded.text.splitlines(keepends=True) if not line.startswith("user builder ")]
        (tmp_path / "redis" / "users.acl").write_text("".join(users))
        guarded.start()
        eventually(lambda: "WRONGPASS" in farm.said() or "invalid username-password" in farm.said())
        worker.terminate()
        assert worker.wait(30) is not None
    finally:
        worker.kill()
        worker.wait()
        guarded.stop()


def test_a_builder_may_say_all_that_it_has_to(guarded, builder):
    scheduler = SchedulerMail(guarded.urls["farm"])
    scheduler.present(RUN)
    assert builder.someone_answers(RUN)
    builder.present(WorkerCard(name="w", queues=("x",)))
    builder.beat(
        Beat(run=RUN, cell=CELL, attempt=1, worker="w", step="", step_started=0, started=0, steps=(), tail=()), lease_s=9
    )
    assert builder.ask(GrantRequest(run=RUN, cell=str(cell()), worker="w", reply=new_reply()), timeout_s=0.2) is None
    assert not builder.is_cancelled(RUN, CELL, 1)
    builder.leave("w")
    scheduler.close()


def test_doctor_asks_for_no_more_than_a_builder_may(guarded):
    given = Settings(broker_url=guarded.urls["builder"])
    for off_s, grade in ((0, "ok"), (100, "warning"), (-3600, "error")):
        found = list(doctor.broker_of_builder(given, lambda off_s=off_s: time.time() + off_s))
        assert [(health.check, health.grade) for health in found] == [("broker", "ok"), ("broker clock", grade)]
    with pytest.raises(redis.exceptions.NoPermissionError):
        guarded.client("builder").time()
    wrong = guarded.urls["builder"].replace("builder:", "builder:not-")
    (found,) = doctor.broker_of_builder(Settings(broker_url=wrong), time.time)
    assert (found.check, found.grade) == ("broker", "error")


FORBIDDEN = {
    "keys": lambda client: client.keys("*"),
    "scan": lambda client: client.scan(),
    "randomkey": lambda client: client.randomkey(),
    "flushall": lambda client: client.flushall(),
    "config": lambda client: client.config_get("*"),
    "acl": lambda client: client.acl_list(),
    "save": lambda client: client.save(),
    "clients": lambda client: client.client_list(),
    "monitor": lambda client: client.execute_command("MONITOR"),
    "modules": lambda client: client.execute_command("MODULE", "LIST"),
    "replicate": lambda client: client.execute_command("REPLICAOF", "127.0.0.1", "1"),
    "publish": lambda client: client.publish("x", "y"),
    "another's key": lambda client: client.get("other:secret"),
    "another's key by script": lambda client: client.eval("return redis.call('get', KEYS[1])", 1, "other:secret"),
    "a cancel flag": lambda client: client.set(f"farm:cancel:{RUN}", "1"),
    "to pose as a scheduler": lambda client: client.set(f"farm:run:{RUN}", "1"),
    "the scheduler's key": lambda client: client.set("farm:scheduler", "1"),
    "others' questions": lambda client: client.get(f"farm:asks:{new_reply()}"),
    "who asks": lambda client: client.lrange(f"farm:inbox:{RUN}", 0, -1),
    "to take a question away": lambda client: client.rpop(f"farm:inbox:{RUN}"),
    "others' beats": lambda client: client.get(f"farm:beat:{RUN}:{CELL}:1"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_builder_may_not(guarded, what):
    with pytest.raises((redis.exceptions.NoPermissionError, redis.exceptions.ResponseError), match=r"(?i)no permission|NOPERM"):
        FORBIDDEN[what](guarded.client("builder"))


def test_the_trusted_side_may_not_leave_the_farms_keys_or_administer(guarded):
    client = guarded.client("farm")
    assert client.set("farm:x", "1")
    for refused in (lambda: client.get("other"), client.flushall, lambda: client.config_get("*"), client.acl_list):
        with pytest.raises(redis.exceptions.NoPermissionError):
            refused()


def test_nobody_logs_in_without_a_password_and_none_is_kept(guarded):
    address = guarded.urls["farm"].rpartition("@")[2]
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis.from_url(f"redis://{address}").ping()
    assert guarded.mode == 0o600
    for url in guarded.urls.values():
        assert url.split("@")[0].rpartition(":")[2] not in guarded.text


def test_a_name_that_is_taken_or_none_is_refused(tmp_path):
    for words in (["--builder", "farm"], ["--builder", "two words"]):
        done = CliRunner().invoke(cli, ["broker", "users", str(tmp_path / "x"), *words])
        assert "no name for a builder's user" in str(done.exception)
    (tmp_path / "x").touch()
    done = CliRunner().invoke(cli, ["broker", "users", str(tmp_path / "x")])
    assert "is there already" in str(done.exception)
