"""A certificate that only its own file vouches for, as a company's private CA is."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificate:
    """`ca` is what a client must trust, `server` what a server for 127.0.0.1 loads."""

    ca: Path
    server: Path


@pytest.fixture
def certificate(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    made = Certificate(tmp_path / "ca.pem", tmp_path / "server.pem")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-keyout", tmp_path / "key.pem", "-out", made.ca], check=True, capture_output=True)
    made.server.write_bytes((tmp_path / "key.pem").read_bytes() + made.ca.read_bytes())
    return made
