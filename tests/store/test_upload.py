"""A builder's one PUT."""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tenacity import wait_none

from farm.errors import BadInput, Transient
from farm.store.upload import upload
from tests.fixtures_s3 import free_ports

SECRET = "X-Amz-Signature=deadbeef"


@pytest.fixture
def server():
    """Answers PUTs with the statuses that a test lays into `answers`; None drops the connection."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.seen.append((self.path, dict(self.headers), body))
            status = self.server.answers.pop(0)
            if status is None:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

        def handle(self):
            with suppress(ValueError):  # the closed connection
                super().handle()

    with HTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.seen, serving.answers = [], []
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def send(server, path):
    upload(f"http://127.0.0.1:{server.server_port}/b/staging/x?{SECRET}", path, wait=wait_none())


@pytest.mark.parametrize("content", [b"", b"x" * 3_000_000])
def test_the_file_arrives_whole_after_failures_that_pass(server, tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    server.answers += [503, None, 500, 200]
    send(server, tmp_path / "f")
    path, sent, body = server.seen[-1]
    assert (path, body) == (f"/b/staging/x?{SECRET}", content)
    assert sent["Content-Length"] == str(len(content))
    assert "Transfer-Encoding" not in sent
    assert len(server.seen) == 4


def test_a_refusal_is_final_and_shows_no_signature(server, tmp_path):
    (tmp_path / "f").write_bytes(b"x")
    server.answers += [403, 200]
    with pytest.raises(Transient, match="HTTP 403") as caught:
        send(server, tmp_path / "f")
    assert len(server.seen) == 1
    assert "deadbeef" not in caught.value.message + caught.value.hint


def test_it_gives_up_and_shows_no_signature(server, tmp_path):
    (tmp_path / "f").write_bytes(b"x")
    server.answers += [503] * 9
    with pytest.raises(Transient, match="HTTP 503"):
        send(server, tmp_path / "f")
    assert len(server.seen) == 5
    [port] = free_ports(1)
    with pytest.raises(Transient, match="ConnectionError") as caught:
        upload(f"http://127.0.0.1:{port}/x?{SECRET}", tmp_path / "f", wait=wait_none())
    assert "deadbeef" not in caught.value.message
    assert caught.value.__cause__ is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "f").write_bytes(b"x")
    with pytest.raises(Transient, match="cannot stage f"):
        upload((tmp_path / "f" / "below").as_uri(), tmp_path / "f", below=tmp_path)


@pytest.mark.parametrize("where", ["elsewhere/x", "staging/../x", "staging-2/x", "staging/way-out/x"])
def test_a_file_goes_into_the_staging_of_the_store_and_nowhere_else(tmp_path, where):
    (tmp_path / "f").write_bytes(b"x")
    staging = tmp_path / "staging"
    staging.mkdir()
    (staging / "way-out").symlink_to(tmp_path)
    for below in (staging, None):
        with pytest.raises(Transient, match="no place that this worker stages to"):
            upload(f"file://{tmp_path}/{where}", tmp_path / "f", below=below)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "staging"]
    upload(f"file://{staging}/run/x", tmp_path / "f", below=staging)
    assert (staging / "run" / "x").read_bytes() == b"x"


def test_other_schemes_are_refused(tmp_path):
    with pytest.raises(BadInput):
        upload("ftp://example.org/x", tmp_path / "f")


def test_a_private_ca_of_the_store_is_honoured(server, certificate, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.server)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    (tmp_path / "f").write_bytes(b"x")
    server.answers += [200]
    url = f"https://127.0.0.1:{server.server_port}/b/staging/x?{SECRET}"
    upload(url, tmp_path / "f", ca_bundle=str(certificate.ca), wait=wait_none())
    assert server.seen[-1][2] == b"x"
    with pytest.raises(Transient, match="SSLError"):
        upload(url, tmp_path / "f", wait=wait_none())
