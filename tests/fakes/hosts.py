"""Web servers: over a folder as a bucket is, and before a bucket."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from pathlib import Path

import requests

from farm.store.headers import headers, told_by_content


class Host(SimpleHTTPRequestHandler):
    """A web server over a folder that keeps the type each object was stored with, as a bucket does, or has the usual ones.

    No object answers for a folder's name; `registry` is the status that whatever stands before it gives to `GET /v2/`.
    """

    types_kept = True
    registry = 200

    def do_GET(self) -> None:
        if not self.path.endswith("/"):
            return super().do_GET()
        self.send_response(self.registry if self.path == "/v2/" else 404)
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def guess_type(self, path: str) -> str:
        if not self.types_kept:
            return super().guess_type(path)
        key = Path(path).relative_to(self.directory).as_posix()
        return headers(key, Path(path).read_bytes() if told_by_content(key) else b"").content_type

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class HostOfBucket(BaseHTTPRequestHandler):
    """A bucket under a host name of its own: the bucket's name is put before each path, all else is the server's answer."""

    bucket = ""  # its address

    def do_GET(self) -> None:
        kept = {name: self.headers[name] for name in ("Accept", "Range") if name in self.headers}
        said = requests.request(self.command, f"{self.bucket}{self.path}", headers=kept, timeout=60)
        self.send_response(said.status_code)
        for name in ("Content-Type", "Content-Length", "ETag"):
            if name in said.headers:
                self.send_header(name, said.headers[name])
        self.end_headers()
        self.wfile.write(said.content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
