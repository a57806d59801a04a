"""`farm serve`: a read-only window on what is published."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import StoreUnavailable
from farm.store.folder import FolderStore
from farm.store.http import Slice, matches, server, wanted
from farm.store.protocol import Stat
from tests.fakes import MemoryStore

ARCHIVE = "artifacts/debian13/x.tar.gz"
INDEX = "channels/dev/index.json"
DATA = bytes(range(256)) * 20_000


@contextmanager
def serving(store, log=None):
    lines = log if log is not None else []
    with server(store, "127.0.0.1", 0, log=lines.append) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running.server_port
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture(params=["folder", "s3"])
def port(request, tmp_path):
    store = FolderStore(tmp_path / "store") if request.param == "folder" else request.getfixturevalue("s3_server").store()
    store.put(ARCHIVE, DATA)
    store.put("artifacts/empty.tar.gz", b"")
    store.put(INDEX, b"{}")
    store.put("runs/x/plan.json", b"secret")
    store.put("staging/x/result.json", b"secret")
    with serving(store) as number:
        yield number


def ask(port, path, method="GET", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def test_an_archive(port):
    status, headers, content = ask(port, f"/{ARCHIVE}?cache=no")
    assert (status, content) == (200, DATA)
    assert headers["Content-Type"] == "application/gzip"
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Length"] == str(len(DATA))
    assert headers["Accept-Ranges"] == "bytes"
    assert "Content-Encoding" not in headers


def test_an_index_is_asked_for_again_and_not_sent_again(port):
    status, headers, content = ask(port, f"/{INDEX}")
    assert (status, content, headers["Cache-Control"]) == (200, b"{}", "no-cache")
    for etag in (headers["ETag"], f"W/{headers['ETag']}", f'"x", {headers["ETag"]}', "*"):
        status, again, content = ask(port, f"/{INDEX}", If_None_Match=etag)
        assert (status, content, again["ETag"]) == (304, b"", headers["ETag"])
    assert ask(port, f"/{INDEX}", If_None_Match='"x"')[0] == 200


def test_head_has_the_headers_of_get_and_no_body(port):
    got, asked = ask(port, f"/{ARCHIVE}"), ask(port, f"/{ARCHIVE}", "HEAD")
    assert asked[2] == b""
    names = ("Content-Length", "Content-Type", "ETag", "Cache-Control")
    assert [asked[1][name] for name in names] == [got[1][name] for name in names]
    assert ask(port, "/artifacts/none", "HEAD")[0] == 404


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=5000000-", 5_000_000, len(DATA)), ("bytes=-7", len(DATA) - 7, len(DATA))],
)
def test_a_range(port, asked, start, stop):
    status, headers, content = ask(port, f"/{ARCHIVE}", Range=asked)
    assert (status, content) == (206, DATA[start:stop])
    assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    assert headers["Content-Length"] == str(stop - start)


def test_a_range_beyond_the_end(port):
    status, headers, _ = ask(port, f"/{ARCHIVE}", Range=f"bytes={len(DATA)}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")
    assert ask(port, "/artifacts/empty.tar.gz", Range="bytes=0-")[0] == 416
    assert ask(port, "/artifacts/empty.tar.gz")[::2] == (200, b"")


def test_a_range_of_what_has_changed_gives_the_whole(port):
    etag = ask(port, f"/{ARCHIVE}", "HEAD")[1]["ETag"]
    assert ask(port, f"/{ARCHIVE}", Range="bytes=0-9", If_Range=etag)[0] == 206
    assert ask(port, f"/{ARCHIVE}", Range="bytes=0-9", If_Range='"old"')[0] == 200


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(port, method):
    status, headers, _ = ask(port, f"/{INDEX}", method, body=b"evil")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert ask(port, f"/{INDEX}")[2] == b"{}"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/artifacts/",
        "/artifacts",
        "/layout",
        "/runs/x/plan.json",
        "/staging/x/result.json",
        "/artifacts/../runs/x/plan.json",
        "/artifacts/%2e%2e/runs/x/plan.json",
        "/artifacts/..%2fruns%2fx%2fplan.json",
        "/artifacts//debian13/x.tar.gz",
        "/artifacts/%00",
        "/artifacts/%0d%0aX-Evil:1",
        "/artifacts/../../../../../../etc/passwd",
        "http://example.org/runs/x/plan.json",
    ],
)
def test_nothing_else_can_be_read(port, path):
    status, headers, content = ask(port, path)
    assert (status, content) == (404, b"404 Not Found\n")
    assert "X-Evil" not in headers


def test_one_connection_serves_many_requests_and_many_connections_at_once(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for _ in range(3):
        connection.request("GET", f"/{INDEX}")
        assert connection.getresponse().read() == b"{}"
    other = ask(port, f"/{INDEX}")  # while the first connection is open
    assert other[0] == 200
    connection.close()


def test_a_client_that_goes_away_harms_nobody(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", f"/{ARCHIVE}")
    connection.getresponse().read(10)
    connection.close()
    assert ask(port, f"/{INDEX}")[0] == 200


class Changing(MemoryStore):
    """An index that is replaced each time between its size and its bytes, `changes` times."""

    def __init__(self, changes):
        super().__init__()
        self.changes = changes

    def read(self, stat, start, stop):
        if self.changes:
            self.changes -= 1
            self.put(stat.key, self.objects[stat.key] + b"x")
        return super().read(stat, start, stop)


def test_an_index_that_is_replaced_meanwhile_is_whole():
    store = Changing(1)
    store.put(INDEX, b"old")
    with serving(store) as port:
        assert ask(port, f"/{INDEX}")[::2] == (200, b"oldx")
        store.changes = 9
        assert ask(port, f"/{INDEX}")[0] == 503


def test_a_store_that_fails_is_no_404_and_is_logged():
    class Broken(MemoryStore):
        def stat(self, key):
            raise StoreUnavailable("the disk is gone")

    lines = []
    with serving(Broken(), lines) as port:
        assert ask(port, f"/{INDEX}")[0] == 502
    assert "the disk is gone" in lines


def test_a_broken_connection_leaves_no_traceback(capsys):
    lines = []
    with server(MemoryStore(), "127.0.0.1", 0, log=lines.append) as running:
        for error in (ConnectionResetError("hung up"), ValueError("ours")):
            try:
                raise error
            except (ConnectionResetError, ValueError):
                running.handle_error(None, "127.0.0.1")
    assert lines == ["127.0.0.1: ValueError: ours"]
    assert capsys.readouterr().err == ""


def test_a_log_line_cannot_be_forged():
    lines = []
    with serving(MemoryStore(), lines) as port, socket.create_connection(("127.0.0.1", port), timeout=9) as raw:
        raw.sendall(b"GET /\x1b[31m\x85\x07 HTTP/1.1\r\nConnection: close\r\n\r\n")
        with raw.makefile("rb") as answer:
            assert answer.read().startswith(b"HTTP/1.1 400 ")
    assert lines
    assert all(line.isprintable() for line in lines)


@given(st.text(alphabet="bytes=0123456789-, ", max_size=20) | st.none(), st.integers(0, 300))
def test_a_range_is_always_within_the_object(header, size):
    found = wanted(header, size)
    if found is not None:
        assert 0 <= found.start <= found.stop <= size
        assert found.whole == (found == Slice(0, size, whole=True))
        assert found.whole or found.start < found.stop


def test_etags_that_match():
    assert matches('"a", "b"', "b")
    assert not matches('"a"', "b")
    assert not matches(None, "b")
    assert Stat("k", 1, "b").etag == "b"
