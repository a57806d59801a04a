"""The private broker: what an earlier server left, or tore, keeps no run from starting."""

import signal

import pytest

from farm.dispatch import embedded
from farm.dispatch.embedded import Broker
from farm.errors import Transient
from farm.wire.mailbox import SchedulerMail
from tests.dispatch.conftest import servers

# What a server writes that is newer than the one that reads it, by the layout of Redis 7 and by the one before
NEWER = b"VALKEY999 of a version that nobody has"
LAYOUTS = {
    "folder": {
        "appendonlydir/appendonly.aof.1.base.rdb": NEWER,
        "appendonlydir/appendonly.aof.manifest": b"file appendonly.aof.1.base.rdb seq 1 type b\n",
    },
    "file": {"appendonly.aof": NEWER},
}


def left(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture(params=servers())
def server(request):
    return request.param


def answers(broker):
    mail = SchedulerMail(broker.url)
    mail.ping()
    mail.close()
    return True


@pytest.mark.parametrize("layout", LAYOUTS)
def test_starts_where_another_server_left_what_it_cannot_read(tmp_path, server, layout):
    left(tmp_path, {**LAYOUTS[layout], "dump.rdb": NEWER, "temp-1.rdb": NEWER})
    broker = Broker(tmp_path, server)
    try:
        assert answers(broker)
        assert not (tmp_path / "temp-1.rdb").exists()
    finally:
        broker.stop()


def test_starts_with_nothing_of_an_earlier_run(tmp_path, server):
    first = Broker(tmp_path, server)
    mail = SchedulerMail(first.url)
    mail.present("a-run")
    assert mail.is_present("a-run")
    mail.close()
    first.stop()
    second = Broker(tmp_path, server)
    mail = SchedulerMail(second.url)
    try:
        assert not mail.is_present("a-run")
    finally:
        mail.close()
        second.stop()


def killed(broker):
    broker.process.send_signal(signal.SIGKILL)
    broker.process.wait()


def test_keeps_what_it_had_when_it_is_killed(tmp_path, server):
    broker = Broker(tmp_path, server)
    mail = SchedulerMail(broker.url)
    try:
        mail.present("a-run")
        killed(broker)
        broker.tend()
        assert mail.is_present("a-run")
    finally:
        mail.close()
        broker.stop()


def test_starts_again_when_what_it_wrote_is_torn(tmp_path, server):
    broker = Broker(tmp_path, server)
    try:
        killed(broker)
        written = [path for path in tmp_path.rglob("appendonly*") if path.is_file()]
        assert written
        for path in written:
            path.write_bytes(NEWER)
        broker.tend()
        assert answers(broker)
    finally:
        broker.stop()


def test_a_server_that_hangs_over_what_it_wrote_is_started_without_it(tmp_path, server, monkeypatch):
    broker = Broker(tmp_path, server)
    try:
        killed(broker)
        hangs = tmp_path / "hangs"
        hangs.write_text(
            f'#!/bin/sh\nif [ -e {tmp_path}/hung ]; then exec {server} "$@"; fi\ntouch {tmp_path}/hung\nexec sleep 60\n'
        )
        hangs.chmod(0o755)
        monkeypatch.setattr(broker, "_server", hangs)
        monkeypatch.setattr(embedded, "_START_S", 2.0)
        broker.tend()
        assert answers(broker)
    finally:
        broker.stop()


def test_says_so_when_it_cannot_start_at_all(tmp_path):
    script = tmp_path / "redis-server"
    script.write_text("#!/bin/sh\necho no such luck\nexit 3\n")
    script.chmod(0o755)
    with pytest.raises(Transient, match="the private broker redis-server ended at once, with code 3: no such luck"):
        Broker(tmp_path / "broker", script)
