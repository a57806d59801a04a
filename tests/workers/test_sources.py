"""Fetching of source archives, against a server of our own with python.org's real paths."""

from __future__ import annotations

import hashlib
import multiprocessing
import ssl
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from farm.errors import BadInput, Cancelled, FarmError, Transient
from farm.plan import recipe
from farm.plan.recipe import Source
from farm.settings import Settings
from farm.store.scratch import PARTS
from workers.build.sources import Patience, fetch, places

if TYPE_CHECKING:
    from pathlib import Path

BODY = b"\x1f\x8b" + bytes(range(256)) * 2000
SOURCE = Source(
    file="Python-3.13.5.tar.xz",
    sha256=hashlib.sha256(BODY).hexdigest(),
    path="3.13.5/Python-3.13.5.tar.xz",
    pool="pool/main/p/python3.13/python3.13_3.13.5.orig.tar.xz",
    epoch=0,
)
HURRY = Patience(connect_s=2, stall_s=0.3, whole_s=5, pause_s=0, redirects=3, bytes=1 << 20)


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's `script` says for the path, one entry after the other; the last one stays."""

    server: Server

    def do_GET(self):
        self.server.asked.append(self.path)
        entries = self.server.script.get(self.path, ["404"])
        getattr(self, f"answer_{entries.pop(0) if len(entries) > 1 else entries[0]}")()

    def _send(self, status: int, body: bytes = b"", length: int | None = None, **headers: str):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer_ok(self):
        self._send(200, BODY)

    def answer_404(self):
        self._send(404)

    def answer_500(self):
        self._send(500)

    def answer_wrong(self):
        self._send(200, b"not Python")

    def answer_truncated(self):
        self._send(200, BODY[:1000], length=len(BODY))

    def answer_huge(self):
        self._send(200, bytes(2 << 20))

    def answer_moved(self):
        self._send(302, Location="/moved/Python.tar.xz")

    def answer_loop(self):
        self._send(302, Location=self.path)

    def answer_stalled(self):
        self._send(200, BODY[:1000], length=len(BODY))
        self.wfile.flush()
        self.server.over.wait(60)

    def log_message(self, format, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture(autouse=True)
def _no_folder_of_this_host(monkeypatch):
    monkeypatch.delenv("FARM_SOURCES", raising=False)


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


ORG = "/ftp/python/3.13.5/Python-3.13.5.tar.xz"
MIRROR = "/mirror/3.13.5/Python-3.13.5.tar.xz"
POOL = "/debian/pool/main/p/python3.13/python3.13_3.13.5.orig.tar.xz"


@pytest.fixture
def settings(server, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "PYTHON_ORG", f"{server.url}/ftp/python/")
    monkeypatch.setenv("no_proxy", "*")
    return Settings(
        cache=tmp_path / "cache", source_mirror=f"{server.url}/mirror/", apt_mirror=f"{server.url}/debian", ca_bundle=""
    )


@pytest.fixture
def lines():
    return []


def kept(settings: Settings) -> list[Path]:
    return [path for path in settings.cache.rglob("*") if path.is_file()]


def test_it_comes_from_python_org_and_then_from_the_cache(server, settings, lines):
    server.script = {ORG: ["ok"]}
    path = fetch(SOURCE, settings, lines.append, HURRY)
    assert path.read_bytes() == BODY
    assert path.name == SOURCE.file
    assert fetch(SOURCE, settings, lines.append, HURRY) == path
    assert server.asked == [MIRROR, ORG]
    assert "in the cache" in lines[-1]


def test_the_order_is_mirror_python_org_debian(settings, server):
    assert list(places(SOURCE, settings))[:3] == [server.url + MIRROR, server.url + ORG, server.url + POOL]


def test_the_debian_pool_is_the_last_resort(server, settings, lines):
    server.script = {POOL: ["ok"]}
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY
    assert [line.rpartition(": ")[2] for line in lines[:2]] == ["the server answered 404 Not Found"] * 2


def test_a_redirect_is_followed(server, settings, lines):
    server.script = {ORG: ["moved"], "/moved/Python.tar.xz": ["ok"]}
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY


def test_redirects_have_an_end(server, settings, lines):
    server.script = {ORG: ["loop"]}
    with pytest.raises(BadInput, match="more than 3 redirects"):
        fetch(SOURCE, settings, lines.append, HURRY)


def test_a_server_error_is_asked_again(server, settings, lines):
    server.script = {ORG: ["500", "ok"]}
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY
    assert server.asked == [MIRROR, ORG, ORG]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("500", "the server answered 500"),
        ("truncated", "broke"),
        ("stalled", r"nothing came for 0 s"),
    ],
)
def test_trouble_is_transient_and_nothing_is_kept(server, settings, lines, answer, said):
    server.script = {ORG: [answer]}
    with pytest.raises(Transient, match=said) as caught:
        fetch(SOURCE, settings, lines.append, HURRY)
    assert SOURCE.sha256 in caught.value.hint
    assert "impossible" not in caught.value.message
    assert kept(settings) == []


def test_a_download_is_cancelled_within_seconds(server, settings, lines):
    server.script = {MIRROR: ["stalled"]}
    began = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(SOURCE, settings, lines.append, replace(HURRY, stall_s=60, whole_s=60, cancelled=lambda: bool(server.asked)))
    assert time.monotonic() - began < 20
    assert (server.asked, kept(settings)) == ([MIRROR], [])


@pytest.mark.parametrize(
    ("answer", "said"), [("wrong", "wanted sha256"), ("404", "404 Not Found"), ("huge", "no source archive")]
)
def test_when_nobody_has_it_the_operator_learns_what_to_put_where(server, settings, lines, answer, said):
    server.script = {ORG: [answer]}
    with pytest.raises(BadInput, match=said) as caught:
        fetch(SOURCE, settings, lines.append, HURRY)
    assert caught.value.message.startswith(
        "impossible here, for no place has its source: Python-3.13.5.tar.xz could not be had"
    )
    assert "FARM_SOURCES" in caught.value.hint
    assert SOURCE.sha256 in caught.value.hint
    assert kept(settings) == []


def test_a_wrong_file_is_named_and_the_next_place_asked(server, settings, lines):
    server.script = {MIRROR: ["wrong"], ORG: ["ok"]}
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY
    wrong = hashlib.sha256(b"not Python").hexdigest()
    assert lines[0] == f"{server.url}{MIRROR}: wrong file, not kept: wanted sha256 {SOURCE.sha256}, got {wrong}"
    assert len(kept(settings)) == 1


def test_a_damaged_cached_file_is_fetched_again(server, settings, lines):
    server.script = {ORG: ["ok"]}
    path = fetch(SOURCE, settings, lines.append, HURRY)
    path.write_bytes(BODY[:-1])
    assert fetch(SOURCE, settings, lines.append, HURRY).read_bytes() == BODY
    assert any("damaged" in line for line in lines)


def test_the_air_gapped_folder_is_searched_by_hash(server, settings, tmp_path, lines):
    folder = tmp_path / "usb"
    folder.mkdir()
    (folder / "Python-3.13.5.tar.xz").write_bytes(b"truncated when it was copied")
    (folder / "whatever it is called").write_bytes(BODY)
    path = fetch(SOURCE, settings.model_copy(update={"sources": folder}), lines.append, HURRY)
    assert path.read_bytes() == BODY
    assert server.asked == []


def test_a_folder_that_is_none_is_the_operators_mistake(settings, tmp_path, lines):
    with pytest.raises(BadInput, match="FARM_SOURCES names"):
        fetch(SOURCE, settings.model_copy(update={"sources": tmp_path / "gone"}), lines.append, HURRY)


def test_nobody_listening_is_transient(settings, lines):
    dead = settings.model_copy(update={"source_mirror": "http://127.0.0.1:9/"})
    with pytest.raises(Transient, match=r"no connection .*refused"):
        fetch(SOURCE, dead, lines.append, HURRY)


def test_what_a_killed_download_left_is_swept(server, settings, lines):
    server.script = {ORG: ["ok"]}
    left = settings.cache / PARTS / "farm-scratch-dead"
    left.mkdir(parents=True)
    (left / SOURCE.file).write_bytes(b"half")
    fetch(SOURCE, settings, lines.append, HURRY)
    assert [path.name for path in kept(settings)] == [SOURCE.file]
    assert list(left.parent.iterdir()) == []


def _fetch_in_child(settings: Settings, org: str, barrier, results) -> None:
    recipe.PYTHON_ORG = org
    barrier.wait(10)
    try:
        results.put(fetch(SOURCE, settings, lambda _: None, HURRY).read_bytes() == BODY)
    except FarmError as error:
        results.put(error.message)


def test_two_processes_may_fetch_at_once(server, settings):
    server.script = {ORG: ["ok"]}
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    arguments = (settings, recipe.PYTHON_ORG, barrier, results)
    children = [context.Process(target=_fetch_in_child, args=arguments) for _ in range(2)]
    for child in children:
        child.start()
    assert [results.get(timeout=30) for _ in children] == [True, True]
    for child in children:
        child.join(10)
    assert len(kept(settings)) == 1


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
