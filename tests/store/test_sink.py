"""A fetched object is checked while it comes, by every store: what is not the bytes listed is cut off, and leaves nothing."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from farm.errors import Transient, VerificationFailed
from farm.store.folder import FolderStore
from farm.store.remote import HttpStore
from farm.store.sink import AtMost, Content, Sink
from tests.fakes import MemoryStore
from tests.store.test_http import serving

KEY = "artifacts/debian13/x.tar.gz"
DATA = bytes(range(256)) * 80_000  # 20 MB: S3 gives it in parts
RIGHT = Content.of(DATA)


@pytest.fixture(params=["folder", "memory", "s3", "http"])
def store(request, tmp_path):
    if request.param == "s3":
        made = request.getfixturevalue("s3_server").store()
    else:
        made = MemoryStore() if request.param == "memory" else FolderStore(tmp_path / "store")
    made.put(KEY, DATA)
    if request.param != "http":
        yield made
        return
    with serving(made) as port:
        yield HttpStore(f"http://127.0.0.1:{port}")


@pytest.fixture
def target(tmp_path):
    (tmp_path / "got").mkdir()
    return tmp_path / "got" / "x.tar.gz"


def test_content_is_size_and_sha256():
    assert Content.of(b"abc") == Content(3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")


def test_what_is_listed_arrives(store, target):
    assert store.fetch(KEY, target, RIGHT)
    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Content(len(DATA) - 1, RIGHT.sha256), "is longer than the 20479999 bytes"),
        (Content(1, RIGHT.sha256), "is longer than the 1 bytes"),
        (AtMost(len(DATA) - 1), "is longer than the 20479999 bytes that it may have"),
        (Content(len(DATA) + 1, RIGHT.sha256), "has 20480000 bytes"),
        (Content(len(DATA), "0" * 64), f"with sha256 {RIGHT.sha256}, not"),
    ],
)
def test_other_bytes_are_refused_and_nothing_stays(store, target, content, said):
    with pytest.raises(VerificationFailed, match=said):
        store.fetch(KEY, target, content)
    assert list(target.parent.iterdir()) == []


def test_an_older_file_stays_when_new_bytes_are_refused(store, target):
    target.write_bytes(b"older")
    with pytest.raises(VerificationFailed):
        store.fetch(KEY, target, Content(len(DATA), "0" * 64))
    assert target.read_bytes() == b"older"


def test_what_is_not_there_leaves_nothing(store, target):
    assert store.fetch("artifacts/none.tar.gz", target, RIGHT) is False
    assert list(target.parent.iterdir()) == []


def test_the_byte_too_many_is_never_written():
    file = io.BytesIO()
    sink = Sink(file, KEY, Content.of(b"abcd"))
    sink.write(b"abcd")
    sink.check()
    with pytest.raises(VerificationFailed, match="longer"):
        sink.write(b"e")
    assert file.getvalue() == b"abcd"


class Endless(BaseHTTPRequestHandler):
    """Sends until nobody listens any more, or for a gigabyte."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(1 << 10):
                self.wfile.write(bytes(1 << 20))
                self.server.sent += 1 << 20
        except ConnectionError:
            return

    def log_message(self, format, *args):
        """Nothing."""


def test_a_full_disk_of_ours_is_not_the_stores_failure(store, tmp_path):
    with pytest.raises(Transient, match="nowhere cannot be written: No such file"):
        store.fetch(KEY, tmp_path / "nowhere" / "file", RIGHT)
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(Transient, match="/dev cannot be written: No space"):
        Sink(full, KEY, None).write(b"abcd")


def test_a_server_that_never_stops_sending_is_hung_up_on_and_not_asked_again(target):
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        server.asked, server.sent = [], 0
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            with pytest.raises(VerificationFailed, match="is longer than the 1000000 bytes"):
                HttpStore(f"http://127.0.0.1:{server.server_port}").fetch(KEY, target, Content(1_000_000, "0" * 64))
        finally:
            server.shutdown()
    assert list(target.parent.iterdir()) == []
    assert len(server.asked) == 1
    assert server.sent < 100 << 20
