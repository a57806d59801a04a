"""The trusted side's services as processes, for tests of what they do and show."""

import json
import sys
from contextlib import contextmanager

import requests

from farm.wire.mailbox import SchedulerMail
from tests.dispatch.conftest import ended, eventually
from tests.dispatch.test_scheduler import Farm
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


@contextmanager
def serving(folder, url):
    """A farm on the Redis there, none of whose processes outlives it."""
    mail = SchedulerMail(url)
    mail.clear()
    mail.close()
    made = Services(folder, url)
    try:
        yield made
    finally:
        ended(made.children)
