"""The witness: a proxy in front of the S3 server that writes down every request, and can make the store fail.

What it saw is the proof of what was published, not what the farm says of itself.
"""

from __future__ import annotations

import hashlib
import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    import random

_HOP = ("connection", "expect", "keep-alive", "transfer-encoding", "content-length")
_OK = 300


@dataclass(frozen=True)
class Seen:
    """One request as it reached the server, and what the server said. `key` is without the bucket; `at` epoch seconds."""

    at: float
    method: str
    key: str
    query: tuple[str, ...]
    status: int
    sha256: str
    struck: bool

    @property
    def wrote(self) -> bool:
        """Whether an object was written by it."""
        return self.method == "PUT" and self.status < _OK and "uploadId" not in self.query

    @property
    def deleted(self) -> bool:
        return self.method == "DELETE" and self.status < _OK


# What happens to a request: (method, key) -> "", or "drop" (no answer), "slow", "500" (not done), "500 after" (done, and the
# answer lost), "truncate" (half of the body).
Trouble = Callable[[str, str], str]


def calm(_method: str, _key: str) -> str:
    """No trouble."""
    return ""


@dataclass
class Witness:
    """A proxy on loopback for the server at `upstream` (host:port)."""

    upstream: str
    trouble: Trouble = calm
    seen: list[Seen] = field(default_factory=list)
    slow_s: float = 3.0

    def __post_init__(self):
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.witness = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="witness", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def struck(self) -> int:
        """How many requests were struck by trouble so far."""
        return sum(one.struck for one in list(self.seen))

    def under(self, prefix: str) -> list[Seen]:
        """What was asked of the keys under a prefix."""
        return [one for one in list(self.seen) if one.key.startswith(prefix)]


def sometimes(
    trouble: str, share: float, rng: random.Random, *, methods: str = "GET PUT DELETE HEAD POST", keys: str = ""
) -> Trouble:
    """That trouble for a share of the requests with these methods and with `keys` in their key."""

    def decide(method: str, key: str) -> str:
        return trouble if method in methods and keys in key and rng.random() < share else ""

    return decide


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    witness: Witness

    def handle_error(self, *_args: object) -> None:
        """A client that was killed in the middle of a request is no trouble of the witness."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: the second waited 40 ms for the first to be acknowledged
    server: _Server

    def log_message(self, *_args: object) -> None:
        """Quiet."""

    def _pass(self) -> None:
        parts = urlsplit(self.path)
        key = unquote(parts.path).lstrip("/").partition("/")[2]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        witness = self.server.witness
        trouble = witness.trouble(self.command, key)
        if trouble == "slow":
            time.sleep(witness.slow_s)
        if trouble in ("drop", "500"):
            witness.seen.append(self._noted(parts.query, key, 599, body, struck=True))
            self._refuse(trouble)
            return
        sent = body[: len(body) // 2] if trouble == "truncate" else body
        try:
            status, headers, answer = self._ask(sent)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        witness.seen.append(self._noted(parts.query, key, status, sent, struck=bool(trouble)))
        if trouble == "500 after":
            self._refuse("500")
            return
        self._give(status, headers, answer)

    def _noted(self, query: str, key: str, status: int, body: bytes, *, struck: bool) -> Seen:
        names = tuple(name for name, _ in parse_qsl(query, keep_blank_values=True))
        return Seen(time.time(), self.command, key, names, status, hashlib.sha256(body).hexdigest(), struck)

    def _refuse(self, trouble: str) -> None:
        self.close_connection = True
        if trouble == "500":
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self.server.witness.upstream, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP:
                    upstream.putheader(name, value)
            if body or self.command in ("PUT", "POST"):
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body or None)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def _give(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        length = str(len(body))
        for name, value in headers:
            if name.lower() == "content-length":
                length = value
            elif name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815 - as the library calls them
