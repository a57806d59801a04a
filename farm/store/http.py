"""A store over HTTP, read-only: what clients of a bucket see, from a laptop. Only what is published can be reached."""

from __future__ import annotations

import re
import socket
import sys
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from farm.errors import Conflict, StoreUnavailable
from farm.store import keys
from farm.store.headers import headers, told_by_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farm.store.protocol import Readable, Stat

# Not runs/ and staging/: plans, logs and unverified archives are the farm's own.
PUBLIC = ("artifacts/", "channels/", "catalog/", "v2/", "keys/", keys.get_python())
_REGISTRY = "v2/"  # where a client of registries asks whether there is one

_RANGE_RE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})")
_CHANGES = 3
_IDLE_S = 60


@dataclass(frozen=True)
class Slice:
    """Which bytes of an object are asked for: [start, stop); `whole` when no range was."""

    start: int
    stop: int
    whole: bool


def wanted(range_header: str | None, size: int) -> Slice | None:
    """What a Range header asks for; None when the object has none of it. One range only: of others the whole is sent."""
    whole = Slice(0, size, whole=True)
    found = _RANGE_RE.fullmatch(range_header.strip()) if range_header else None
    if not found or not (found["first"] or found["last"]):
        return whole
    if not found["first"]:
        last = int(found["last"])
        return Slice(max(0, size - last), size, whole=False) if last and size else None
    first, last = int(found["first"]), int(found["last"] or size - 1)
    if found["last"] and last < first:
        return whole  # RFC 9110: an invalid range is ignored
    return Slice(first, min(last + 1, size), whole=False) if first < size else None


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this etag."""
    names = [name.strip().removeprefix("W/") for name in (header or "").split(",")]
    return "*" in names or f'"{etag}"' in names


def server(store: Readable, host: str, port: int, *, log: Callable[[str], None] = lambda _: None) -> ThreadingHTTPServer:
    """A server of the store that waits for `serve_forever`. Port 0 takes a free one. Raises OSError when it is taken."""
    handler = type("StoreHandler", (_Handler,), {"store": store, "log": staticmethod(log)})
    serving = _Server((host, port), handler)
    serving.log = log
    return serving


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    log: Callable[[str], None]

    def server_bind(self) -> None:
        """Bind without asking a name server for the host's name, as the standard library does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """One line for what went wrong with a connection, and none for a client that hung up."""
        if not isinstance(error := sys.exc_info()[1], ConnectionError):
            self.log(f"{client_address}: {type(error).__name__}: {error}")


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of one object."""

    protocol_version = "HTTP/1.1"
    server_version = "farm"
    sys_version = ""
    timeout = _IDLE_S
    store: Readable
    log: Callable[[str], None]

    def do_GET(self) -> None:
        """Send an object, a part of it, or say that the client has it already."""
        self._answer(send_body=True)

    def do_HEAD(self) -> None:
        """The headers of a GET."""
        self._answer(send_body=False)

    def _refuse(self) -> None:
        self.close_connection = True  # a body may follow, which nobody reads
        self._say(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD", "Connection": "close"})

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse  # noqa: N815 - http.server's names

    def _answer(self, *, send_body: bool) -> None:
        try:
            for _ in range(_CHANGES):
                try:
                    return self._send(send_body=send_body)
                except Conflict:  # an index was replaced between its size and its bytes
                    continue
            self._say(HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "1"})
        except StoreUnavailable as error:
            self.log(error.message)
            self._say(HTTPStatus.BAD_GATEWAY, {})
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client went away

    def _send(self, *, send_body: bool) -> None:
        key = unquote(urlsplit(self.path).path).removeprefix("/")
        if key == _REGISTRY:
            return self._say(HTTPStatus.OK, {"Cache-Control": "no-cache"})
        stat = self.store.stat(key) if key.startswith(PUBLIC) and keys.valid(key) else None
        if stat is None:
            return self._say(HTTPStatus.NOT_FOUND, {"Cache-Control": "no-cache"})
        content = b"".join(self.store.read(stat, 0, stat.size)) if told_by_content(key) else b""
        fixed = headers(key, content)
        said = {"ETag": f'"{stat.etag}"', "Cache-Control": fixed.cache_control, "Accept-Ranges": "bytes"}
        if matches(self.headers["If-None-Match"], stat.etag):
            return self._start(HTTPStatus.NOT_MODIFIED, said)
        part = wanted(self._range(stat), stat.size)
        if part is None:
            return self._say(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{stat.size}"})
        said |= {"Content-Type": fixed.content_type, "Content-Length": str(part.stop - part.start)}
        if not part.whole:
            said["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{stat.size}"
        chunks = self.store.read(stat, part.start, part.stop) if send_body else iter(())
        self._start(HTTPStatus.OK if part.whole else HTTPStatus.PARTIAL_CONTENT, said)
        return self._stream(chunks)

    def _range(self, stat: Stat) -> str | None:
        condition = self.headers["If-Range"]
        return self.headers["Range"] if condition in (None, f'"{stat.etag}"') else None

    def _stream(self, chunks: Iterator[bytes]) -> None:
        try:
            for chunk in chunks:
                self.wfile.write(chunk)
        except StoreUnavailable as error:
            # Too late for a status: a cut connection is the only way to say that the body is not whole.
            self.log(error.message)
            self.close_connection = True

    def _say(self, status: HTTPStatus, said: dict[str, str]) -> None:
        text = f"{status.value} {status.phrase}\n".encode()
        self._start(status, said | {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(text))})
        if self.command != "HEAD":
            self.wfile.write(text)

    def _start(self, status: HTTPStatus, said: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in said.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """One line per request, without control characters that a client may have sent."""
        line = (format % args).encode("unicode_escape").decode()
        self.log(f"{self.client_address[0]} {line}")
