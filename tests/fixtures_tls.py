"""A certificate that only its own file vouches for, as a company's private CA is; and a Redis that has one."""

import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures_cell import answering, redis_program
from tests.fixtures_s3 import free_ports


@dataclass(frozen=True)
class Certificate:
    """`ca` is what a client must trust, `server` what a server for 127.0.0.1 loads."""

    ca: Path
    server: Path


def certified(folder):
    """A fresh one, in a new folder."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    folder.mkdir()
    made = Certificate(folder / "ca.pem", folder / "server.pem")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-keyout", folder / "key.pem", "-out", made.ca], check=True, capture_output=True)
    made.server.write_bytes((folder / "key.pem").read_bytes() + made.ca.read_bytes())
    return made


@pytest.fixture
def certificate(tmp_path):
    return certified(tmp_path / "certificate")


@contextmanager
def redis_with_tls(log, *options):
    """A Redis with these options while it lasts."""
    with log.open("wb") as out:
        server = subprocess.Popen([redis_program(), *options], stdout=out, stderr=out)
    try:
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.5)
            if "Failed finding TLS support" in (said := log.read_text()):
                pytest.skip("THE REDIS HERE HAS NO TLS: whether it is verified is not looked at; apt-get install redis-server")
            pytest.fail(said)
        yield server
    finally:
        server.terminate()
        server.wait()


@dataclass(frozen=True)
class TlsRedis:
    """A Redis that talks nothing but TLS: its address with a password, and who vouches for it."""

    url: str
    certificate: Certificate


@pytest.fixture(scope="module")
def tls_redis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls-redis")
    made = certified(folder / "certificate")
    (port,) = free_ports(1)
    listens = ("--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--tls-auth-clients", "no")
    shows = ("--tls-cert-file", str(made.server), "--tls-key-file", str(made.server))
    keeps = ("--requirepass", "secret", "--save", "", "--dir", str(folder))
    url = f"rediss://:secret@127.0.0.1:{port}/0"
    with redis_with_tls(folder / "log", *listens, *shows, *keeps):
        answering(url, folder / "log", ssl_ca_certs=str(made.ca))
        yield TlsRedis(url, made)
