"""What of docs/operating.md can be tried without hosts; `make hosts-test` types all of it."""

import re
import subprocess

import pytest
from click.testing import CliRunner

from farm.cli.main import cli
from farm.wire.mailbox import BuilderMail
from tests.deploy.hosts import blocks
from tests.fixtures_cell import answering
from tests.fixtures_s3 import free_ports
from tests.fixtures_tls import redis_with_tls


@pytest.fixture
def here(tmp_path):
    """The page's words for this host, whose folders lie in a temporary one."""
    (tmp_path / "farm").mkdir()
    (tmp_path / "redis").mkdir()
    names = {"/etc/": f"{tmp_path}/", "control.internal": "localhost", "bind 0.0.0.0": "bind 127.0.0.1"}

    def said(text):
        for written, meant in names.items():
            text = text.replace(written, meant)
        return text

    return said


def test_redis_talks_tls_as_the_page_sets_it_up(here, tmp_path):
    certificates, configuration = blocks("**3. Redis**")
    ours = [line for line in certificates.splitlines() if not line.startswith(("apt-get", "chown", "cp "))]
    subprocess.run(["bash", "-eu"], input=here("\n".join(ours)), text=True, check=True, capture_output=True)
    ca, shown = tmp_path / "farm/ca.crt", tmp_path / "redis/redis.crt"
    strict = ("-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost")  # as Python 3.13 and later look at it
    subprocess.run(["openssl", "verify", *strict, "-CAfile", ca, shown], check=True, capture_output=True)
    assert [oct(file.stat().st_mode & 0o77) for file in tmp_path.glob("*/*.key")] == ["0o0", "0o0"]

    (port,) = free_ports(1)
    words = ["broker", "users", str(tmp_path / "redis/farm.acl"), "--host", f"localhost:{port}"]
    users = CliRunner().invoke(cli, words, catch_exceptions=False).output
    url = re.search(r"^builder: (rediss://\S+)$", users, re.MULTILINE)[1]
    settings = re.search(r"<<'CONF'\n(.*?)^CONF$", configuration, re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "redis.conf").write_text(f"{here(settings).replace('tls-port 6379', f'tls-port {port}')}dir {tmp_path}\n")
    with redis_with_tls(tmp_path / "log", tmp_path / "redis.conf"):
        answering(url, tmp_path / "log", ssl_ca_certs=str(ca))
        mail = BuilderMail(url, ca_bundle=str(ca))
        mail.ping()
        mail.close()
