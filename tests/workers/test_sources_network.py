"""Fetching of source archives through what stands between: a private CA, a proxy, a mirror with a password."""

from __future__ import annotations

import ssl

import pytest

from farm.errors import BadInput, Transient
from farm.plan import recipe
from farm.settings import Settings
from tests.workers.conftest import BODY, HURRY, MIRROR, SOURCE
from workers.build.sources import fetch


@pytest.fixture
def tls_server(server, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.server)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.script = {MIRROR: ["ok"]}
    return server.url.replace("http:", "https:")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "FARM_CA_BUNDLE"])
def test_a_private_ca_is_honoured(tls_server, certificate, tmp_path, monkeypatch, lines, variable):
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "FARM_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(certificate.ca))
    settings = Settings(cache=tmp_path / "cache", source_mirror=f"{tls_server}/mirror")
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY


def test_a_ca_that_nobody_knows_is_refused(tls_server, tmp_path, monkeypatch, lines):
    monkeypatch.setattr(recipe, "PYTHON_ORG", f"{tls_server}/ftp/python/")
    settings = Settings(cache=tmp_path / "cache", source_mirror=f"{tls_server}/mirror", apt_mirror=tls_server, ca_bundle="")
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Transient, match=r"(?i)certificate.*FARM_CA_BUNDLE"):
        fetch(SOURCE, settings, lines.append, HURRY)


def test_a_proxy_is_honoured(server, tmp_path, monkeypatch, lines):
    """The archive's host does not exist: only the proxy can have answered."""
    for name in ("no_proxy", "NO_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    url = "http://python.mirror.invalid/ftp/3.13.5/Python-3.13.5.tar.xz"
    server.script = {url: ["ok"]}
    settings = Settings(cache=tmp_path / "cache", source_mirror="http://python.mirror.invalid/ftp")
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY
    assert server.asked == [url]


def test_the_password_of_a_mirror_is_never_shown(server, tmp_path, monkeypatch, lines):
    monkeypatch.setattr(recipe, "PYTHON_ORG", f"{server.url}/ftp/python/")
    mirror = server.url.replace("http://", "http://me:hunter2@")
    settings = Settings(cache=tmp_path / "cache", source_mirror=f"{mirror}/none", apt_mirror=mirror, ca_bundle="")
    server.script = {}
    with pytest.raises(BadInput) as caught:
        fetch(SOURCE, settings, lines.append, HURRY)
    assert "127.0.0.1" in caught.value.message
    assert "hunter2" not in caught.value.message + "".join(lines)
