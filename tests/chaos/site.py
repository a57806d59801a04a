"""A whole farm of real processes on one machine: Redis, an S3 server behind the witness, scheduler, workers, an engine."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import redis
from botocore.config import Config

from tests.chaos.cells import SmallCells, small_cells
from tests.chaos.engines import Containers
from tests.chaos.services import Service, forgotten
from tests.chaos.witness import Witness, calm
from tests.fixtures_cell import redis_program
from tests.fixtures_s3 import ADMIN, free_ports, weed

if TYPE_CHECKING:
    from collections.abc import Callable

FARM = str(Path(sys.executable).with_name("farm"))
# Everything that takes minutes on a farm takes seconds here. And a cell may be struck more often than an operator would have it
# tried: that it is not tried for ever is another promise, which tests/dispatch keeps an eye on.
TEMPO = {
    "FARM_LEASE_S": "4",
    "FARM_PRESENCE_S": "6",
    "FARM_BACKOFF_S": "0.5",
    "FARM_ATTEMPTS": "40",
    "FARM_PATIENCE_S": "90",
    "FARM_MEMORY_GB": "0.5",
    "FARM_ROOM_GB": "0.008",  # a small disk fills while something is built
    "FARM_JOBS": "1",
}
LEASE_S = float(TEMPO["FARM_LEASE_S"])
_READY_S = 90
_LOOK_S = 0.5  # between two looks at whether a run is over


@dataclass
class Site:
    """Where the chaos happens. `bucket` is new for each run, so that all of its cells are built anew."""

    folder: Path
    engine: Containers
    cache: Path
    count: int = 20
    workers_count: int = 2
    slots: int = 2
    cells: SmallCells = field(init=False)

    def __post_init__(self):
        self.cells = small_cells(self.folder / "cells", self.count)
        (self.redis_port,) = free_ports(1)
        self.redis_password = secrets.token_hex(16)
        self.store_ports = free_ports(4)
        self.redis = self._service("redis", *self._redis_argv())
        self.store = self._service("store", *self._store_argv())
        self.witness = Witness(f"127.0.0.1:{self.store_ports[3]}")
        self.prefix = ""
        common = self._environment()
        self.workers = [
            self._service(f"worker{number}", sys.executable, "-m", "workers", "worker", "--slots", str(self.slots), **common)
            for number in range(self.workers_count)
        ]
        self.schedulers = [self._service(f"scheduler{number}", FARM, "scheduler") for number in range(2)]
        self.publishers = [self._service(f"publisher{number}", FARM, "publisher") for number in range(2)]
        self.submitter = self._service("submit", FARM, "submit", str(self.cells.matrix))

    def _service(self, name: str, *argv: str, **environment: str) -> Service:
        return Service(name, argv, {**self._bare(), **environment}, self.folder)

    @staticmethod
    def _bare() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith(("FARM_", "AWS_"))}

    @property
    def redis_url(self) -> str:
        return f"redis://:{self.redis_password}@127.0.0.1:{self.redis_port}/0"

    def _redis_argv(self) -> tuple[str, ...]:
        data = self.folder / "redis"
        data.mkdir()
        where = ("--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(data))
        return (
            redis_program(),
            *where,
            "--requirepass",
            self.redis_password,
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--save",
            "",
        )

    def _store_argv(self) -> tuple[str, ...]:
        data = self.folder / "seaweedfs"
        data.mkdir()
        keys = [{"accessKey": ADMIN[0], "secretKey": ADMIN[1]}]
        identity = {"name": "admin", "credentials": keys, "actions": ["Admin", "Read", "List", "Tagging", "Write"]}
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        master, volume, filer, s3 = self.store_ports
        return (
            *(str(weed()), "-logtostderr=true", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}"),
            *("-s3", f"-s3.port={s3}", f"-s3.config={self.folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            *("-master.volumeSizeLimitMB=64", "-volume.max=50", "-master.telemetry=false"),
        )

    def _environment(self) -> dict[str, str]:
        """What every process of the farm knows."""
        return {
            **TEMPO,
            "FARM_BROKER_URL": self.redis_url,
            "FARM_ENGINE": self.engine.url,
            "FARM_FACTS": str(self.cells.facts),
            "FARM_SOURCES": str(self.cells.sources),
            "FARM_CACHE": str(self.cache),
            "FARM_STATE": str(self.folder / "state"),
            "FARM_BASE_IMAGE": "bootstrap",
        }

    def trusted(self) -> dict[str, str]:
        """What those know that may write to the store."""
        return {
            **self._bare(),
            **self._environment(),
            "FARM_STORE": f"s3://chaos/{self.prefix}",
            "FARM_S3_ENDPOINT": self.witness.endpoint,
            "FARM_S3_ACCESS_KEY": ADMIN[0],
            "FARM_S3_SECRET_KEY": ADMIN[1],
        }

    def open(self) -> None:
        """Start what stays up from fault to fault."""
        self.redis.start()
        self.store.start()
        self.await_redis()
        self.await_store()
        for worker in self.workers:
            worker.start()

    def close(self) -> None:
        for service in (self.submitter, *self.schedulers, *self.publishers, *self.workers):
            service.stop(5)
        for service in (self.store, self.redis):
            service.kill()
        self.witness.close()

    def fresh(self) -> None:
        """A store with nothing in it, a Redis that knows nothing, a scheduler that has just begun; everything is up."""
        self.witness.trouble = calm
        for scheduler in self.schedulers:
            scheduler.stop()
        self.submitter.stop()
        self.client().flushall()
        self.prefix = secrets.token_hex(4)
        self.witness.seen.clear()
        for service in (*self.schedulers, *self.publishers, self.submitter):
            service.environment = self.trusted()
        self.schedulers[0].start()
        for worker in self.workers:
            self.ensure(worker)

    def ensure(self, service: Service) -> None:
        """Start it if it is not up, as systemd would."""
        if service.process is None or service.process.poll() is not None:
            service.start()

    def farm(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of the farm."""
        tmp = self.submitter.tmp  # they are one user's: the next command clears what a killed one left
        tmp.mkdir(parents=True, exist_ok=True)
        environment = {**self.trusted(), "TMPDIR": str(tmp)}
        return subprocess.run(
            [FARM, *words], env=environment, cwd=self.folder, capture_output=True, text=True, timeout=timeout, check=False
        )

    def submit(self) -> str:
        """Ask for all cells; gives the id of the run, which the scheduler drives."""
        done = self.farm("submit", "--no-wait", "--json", str(self.cells.matrix))
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout[done.stdout.index("{") :])["run"])

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url, decode_responses=True, socket_timeout=30)

    def await_redis(self) -> None:
        def answers() -> bool:
            try:
                return bool(self.client().ping())
            except redis.RedisError:
                return False

        until(answers, "Redis answers")

    def await_store(self) -> None:
        def answers() -> bool:
            store = self.bucket
            try:
                if "chaos" not in [one["Name"] for one in store.list_buckets()["Buckets"]]:
                    store.create_bucket(Bucket="chaos")
                store.put_object(Bucket="chaos", Key="up", Body=b"")
            except Exception:  # not up yet, whatever it says
                return False
            return True

        until(answers, "the S3 server takes an object")

    @cached_property
    def bucket(self):
        """The S3 server itself, past the witness."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.store_ports[3]}",
            aws_access_key_id=ADMIN[0],
            aws_secret_access_key=ADMIN[1],
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 2}, connect_timeout=2, read_timeout=20),
        )

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """Everything that lies in the store under a prefix."""
        store, found = self.bucket, {}
        for page in store.get_paginator("list_objects_v2").paginate(Bucket="chaos", Prefix=f"{self.prefix}/{prefix}"):
            for item in page.get("Contents", []):
                body = store.get_object(Bucket="chaos", Key=item["Key"])["Body"].read()
                found[item["Key"].removeprefix(f"{self.prefix}/")] = body
        return found

    def keys(self, prefix: str = "") -> list[str]:
        """The names of everything under a prefix."""
        pages = self.bucket.get_paginator("list_objects_v2").paginate(Bucket="chaos", Prefix=f"{self.prefix}/{prefix}")
        return [item["Key"].removeprefix(f"{self.prefix}/") for page in pages for item in page.get("Contents", [])]

    def met(self, true: Callable[[], object], patience_s: float) -> bool:
        """Whether it was `true()` within so many seconds, and before the run was over: a strike may miss."""
        ends, looked = time.monotonic() + patience_s, time.monotonic()
        while not true():
            now = time.monotonic()
            if now > ends:
                return False
            if now - looked > _LOOK_S:
                looked = now
                if not self.keys("open/"):
                    return bool(true())
            time.sleep(0.002)
        return True

    def clear_files(self) -> None:
        """Between faults: what one left (and was told of) is not counted again for the next."""
        for folder in (self.folder / "tmp").glob("*"):
            for path in [*forgotten(folder)]:
                shutil.rmtree(path, ignore_errors=True)


def until(true, what: str, patience_s: float = _READY_S) -> float:
    """Seconds until `true()`. Raises AssertionError."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < patience_s, f"not within {patience_s:.0f} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - began
