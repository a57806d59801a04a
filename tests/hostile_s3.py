"""An S3 server that does what it is told not to: ignores conditions, truncates, stalls, fails, shows old listings.

It speaks as much of the protocol as `farm.store.s3` uses, checks no signature, and is honest until a test says otherwise.
"""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from pydantic import SecretStr

from farm.settings import S3Settings

BUCKET = "hostile"


@dataclass
class Manners:
    """How it behaves. Lists hold one item for each of the next requests that they are about."""

    ignores: set[str] = field(default_factory=set)  # names of headers, in lower case
    fails: list[int] = field(default_factory=list)  # statuses instead of doing it
    fails_after: list[int] = field(default_factory=list)  # statuses after it was done: the answer is lost
    truncates: list[int] = field(default_factory=list)  # bytes of a body that are sent, of all that were promised
    loses: list[int] = field(default_factory=list)  # bytes of an upload that are kept, with a 200
    stalls: list[float] = field(default_factory=list)  # seconds before anything is answered
    only: str = ""  # the method that fails, truncates and stalls; '' is every one
    old: dict[str, bytes] | None = None  # what listings show
    late_s: float = 0.0  # how far its clock is behind ours
    skewed: bool = False  # refuses as AWS does when clocks differ


class HostileS3:
    """The server; `objects` is what it holds, `seen` every request as (method, path with query)."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self.seen: list[tuple[str, str]] = []
        self.manners = Manners()
        self.lock = threading.RLock()
        handler = type("Handler", (_Handler,), {"s3": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True

    @property
    def settings(self) -> S3Settings:
        endpoint = f"http://127.0.0.1:{self.server.server_port}"
        return S3Settings(endpoint=endpoint, access_key="AKIAHOSTILE", secret_key=SecretStr("hostilesecret0123"))

    def grow_old(self) -> None:
        """Listings show what there is now, whatever comes."""
        self.manners.old = dict(self.objects)

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()


def etag(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: HostileS3

    def handle(self):
        with suppress(OSError, ValueError):  # a client that gave up
            super().handle()

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._serve()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def _serve(self):
        parts = urlsplit(self.path)
        self.key = unquote(parts.path).removeprefix(f"/{BUCKET}").lstrip("/")
        self.query = parse_qs(parts.query, keep_blank_values=True)
        self.body = self._body()
        self.s3.seen.append((self.command, self.path))
        manners = self.s3.manners
        concerned = manners.only in ("", self.command)
        if concerned and manners.stalls:
            time.sleep(manners.stalls.pop(0))
        if manners.skewed:
            return self._error(403, "RequestTimeTooSkewed")
        if concerned and manners.fails:
            return self._error(manners.fails.pop(0), "InternalError")
        with self.s3.lock:
            answer = getattr(self, f"_{self.command.lower()}")()
        if concerned and manners.fails_after:
            return self._error(manners.fails_after.pop(0), "InternalError")
        return self._send(*answer)

    def _body(self) -> bytes:
        if length := self.headers["Content-Length"]:
            return self.rfile.read(int(length))
        return b""

    def _condition_failed(self) -> bool:
        held = self.s3.objects.get(self.key)
        honoured = {name: self.headers[name] for name in ("If-None-Match", "If-Match") if self.headers[name]}
        honoured = {name: value for name, value in honoured.items() if name.lower() not in self.s3.manners.ignores}
        match = honoured.get("If-Match")
        missed = match is not None and (held is None or match.strip('"') != etag(held))
        return missed or ("If-None-Match" in honoured and held is not None)

    def _put(self):
        if "uploadId" in self.query:
            upload = self.s3.uploads.get(self.query["uploadId"][0])
            if upload is None:
                return 404, _code("NoSuchUpload"), {}
            upload[1][int(self.query["partNumber"][0])] = self.body
            return 200, b"", {"ETag": f'"{etag(self.body)}"'}
        if self._condition_failed():
            return 412, _code("PreconditionFailed"), {}
        return self._keep(self.body)

    def _keep(self, data: bytes):
        said = etag(data)
        if self.s3.manners.loses:
            data = data[: self.s3.manners.loses.pop(0)]
        self.s3.objects[self.key] = data
        return 200, b"", {"ETag": f'"{said}"'}

    def _post(self):
        if "uploads" in self.query:
            name = f"upload{len(self.s3.seen)}"
            self.s3.uploads[name] = (self.key, {})
            return 200, f"<R><UploadId>{name}</UploadId></R>".encode(), {}
        upload = self.s3.uploads.get(self.query["uploadId"][0])
        if upload is None:
            return 404, _code("NoSuchUpload"), {}
        if self._condition_failed():
            return 412, _code("PreconditionFailed"), {}
        del self.s3.uploads[self.query["uploadId"][0]]
        status, _, headers = self._keep(b"".join(data for _, data in sorted(upload[1].items())))
        return status, f"<R><ETag>{escape(headers['ETag'])}</ETag></R>".encode(), {}

    def _delete(self):
        if "uploadId" in self.query:
            self.s3.uploads.pop(self.query["uploadId"][0], None)
        else:
            self.s3.objects.pop(self.key, None)
        return 204, b"", {}

    def _get(self):
        if "list-type" in self.query:
            return 200, self._listing(), {}
        if "uploads" in self.query:
            prefix = self.query.get("prefix", [""])[0]
            items = "".join(
                f"<Upload><Key>{key}</Key><UploadId>{name}</UploadId><Initiated>2026-01-01T00:00:00Z</Initiated></Upload>"
                for name, (key, _) in self.s3.uploads.items()
                if key.startswith(prefix)
            )
            return 200, f"<R><IsTruncated>false</IsTruncated>{items}</R>".encode(), {}
        if "uploadId" in self.query:
            return 200, self._parts(), {}
        data = self.s3.objects.get(self.key)
        if data is None:
            return 404, _code("NoSuchKey"), {}
        return self._object(data)

    _head = _get

    def _object(self, data: bytes):
        said = {"ETag": f'"{etag(data)}"', "Accept-Ranges": "bytes", "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        if not (wanted := self.headers["Range"]):
            return 200, data, said
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1 if last else len(data)]
        return 206, part, said | {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"}

    def _listing(self) -> bytes:
        prefix = self.query.get("prefix", [""])[0]
        shown = self.s3.objects if self.s3.manners.old is None else self.s3.manners.old
        items = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(data)}</Size><ETag>&quot;{etag(data)}&quot;</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key, data in sorted(shown.items())
            if key.startswith(prefix)
        )
        return f"<R><IsTruncated>false</IsTruncated>{items}</R>".encode()

    def _parts(self) -> bytes:
        upload = self.s3.uploads.get(self.query["uploadId"][0], ("", {}))
        items = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag(data)}&quot;</ETag><Size>{len(data)}</Size></Part>"
            for number, data in sorted(upload[1].items())
        )
        return f"<R><IsTruncated>false</IsTruncated>{items}</R>".encode()

    def _error(self, status: int, code: str):
        self._send(status, _code(code), {})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        self.send_header("Date", formatdate(time.time() - self.s3.manners.late_s, usegmt=True))
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD" or status == 204:
            return
        manners = self.s3.manners
        if manners.truncates and status < 300 and data and manners.only in ("", self.command):
            self.wfile.write(data[: manners.truncates.pop(0)])
            self.close_connection = True
            return
        self.wfile.write(data)


def _code(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>hostile</Message></Error>".encode()
