"""Redis over TLS: both of our clients look at its certificate, with the CA of the settings, and nothing turns that off."""

import re
import subprocess
from pathlib import Path

import pytest
import redis
from celery import Celery
from kombu import pools

from farm.dispatch.queue import TaskQueue, wake_id
from farm.errors import BadInput, BrokerUnavailable
from farm.settings import Settings
from farm.wire.address import tls_options
from farm.wire.mailbox import BuilderMail, SchedulerMail
from farm.wire.queue import celery_config
from farm.wire.routes import build_queue
from tests.dispatch.making import cell
from tests.dispatch.test_command import CELL
from tests.dispatch.test_scheduler import Farm
from tests.fixtures_tls import certified

ROOT = Path(__file__).parents[2]
RUN = "20260101-000000-abcdef"
QUEUE = build_queue("amd64", "debian13")
REFUSED = r"(?i)certificate verify failed"


@pytest.fixture(autouse=True)
def _fresh():
    """kombu keeps connections by address, whoever vouched for them: a process has one CA, and these tests have many."""
    pools.reset()


@pytest.fixture
def settings(tls_redis):
    return lambda ca="", url="": Settings(broker_url=url or tls_redis.url, ca_bundle=str(ca))


@pytest.fixture
def folder_of_cas(tls_redis, tmp_path):
    """As /etc/ssl/certs is one."""
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ours.pem").write_bytes(tls_redis.certificate.ca.read_bytes())
    subprocess.run(["openssl", "rehash", tmp_path / "certs"], check=True)
    return tmp_path / "certs"


def taken(settings):
    """The next message of the queue, as a worker gets it."""
    with Celery("worker", set_as_current=False) as app:
        app.conf.update(celery_config(settings))
        with app.connection_for_read() as connection:
            connection.connect()
            queue = connection.SimpleQueue(QUEUE)
            message = queue.get(timeout=10)
            message.ack()
            queue.close()
    return message.headers["id"]


def used(settings):
    """All that a farm does with Redis, each with the client that does it."""
    mail, queue = SchedulerMail.of(settings), TaskQueue(settings)
    mail.ping()
    queue.wake(RUN, cell(), QUEUE)
    assert mail.waiting(QUEUE) == {wake_id(RUN, cell())}
    assert taken(settings) == wake_id(RUN, cell())
    mail.close()
    queue.close()


def refused(settings):
    """Each client by itself refuses the server before it says the password."""
    with pytest.raises(BrokerUnavailable, match=REFUSED) as told:
        BuilderMail.of(settings).ping()
    assert "FARM_CA_BUNDLE" in told.value.hint
    assert "secret" not in told.value.message
    queue = TaskQueue(settings)
    with pytest.raises(BrokerUnavailable, match=REFUSED):
        queue.wake(RUN, cell(), QUEUE)
    queue.close()
    with pytest.raises(redis.ConnectionError, match=REFUSED):
        taken(settings)


def test_with_the_right_ca_both_clients_work(settings, tls_redis):
    used(settings(tls_redis.certificate.ca))


def test_a_farm_works_over_it(tls_redis, tmp_path):
    farm = Farm(tmp_path, tls_redis.url)
    farm.environment["FARM_CA_BUNDLE"] = str(tls_redis.certificate.ca)
    try:
        farm.worker()
        code, out, err = farm.run("submit", "--without-worker")
        assert code == 0, err + farm.said()
        assert f"{CELL}  published" in out
    finally:
        for child in farm.children:
            child.kill()
            child.wait()
    assert "insecure" not in farm.said()


def test_a_folder_of_cas_is_as_good(settings, folder_of_cas):
    used(settings(folder_of_cas))


def test_a_server_that_the_ca_does_not_vouch_for_is_refused_by_both_clients(settings, tmp_path):
    refused(settings(certified(tmp_path / "other").ca))


def test_without_a_ca_of_ones_own_the_usual_ones_count(settings):
    refused(settings())


def test_a_certificate_of_another_host_is_refused_by_both_clients(settings, tls_redis):
    refused(settings(tls_redis.certificate.ca, tls_redis.url.replace("127.0.0.1", "localhost")))


@pytest.mark.parametrize(
    "url",
    [
        "rediss://me:hidden@host:1/0?ssl_cert_reqs=none",
        "rediss://me:hidden@host:1/0?db=1&ssl_check_hostname=false",
        "rediss://me:hidden@host:1/0?%73%73l_cert_reqs=none",
        "redis://me:hidden@host:1/0?ssl_cert_reqs=none",
        "rediss://me:hidden@host:1/0?db=1;rediss://host:1/0?ssl_cert_reqs=none",
    ],
)
def test_an_address_that_could_turn_verification_off_is_refused(url):
    with pytest.raises(BadInput, match="always verified") as told:
        Settings(broker_url=url)
    assert "hidden" not in told.value.message


def test_a_password_may_hold_any_word():
    assert Settings(broker_url="rediss://me:ssl@host:1/0?db=1").broker_url.endswith("db=1")


@pytest.mark.parametrize("url", ["", "redis://host", "redis+socket:///x"])
def test_without_tls_nothing_is_said_of_it(url):
    assert tls_options(url, "ca.pem") == {}
    assert celery_config(Settings(broker_url=url))["broker_use_ssl"] is False


def test_every_mailbox_knows_the_ca_of_the_settings():
    """Only that of a private Redis on a socket is made without settings."""
    made = [
        (file.name, line.strip())
        for wing in ("farm", "workers")
        for file in (ROOT / wing).rglob("*.py")
        for line in file.read_text("utf-8").splitlines()
        if re.search(r"\b(Scheduler|Builder)Mail\((?!Mailbox)", line)
    ]
    assert set(made) == {("embedded.py", "mail = SchedulerMail(self.url)")}
