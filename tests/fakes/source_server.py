"""A server that has one source archive, or fails to give it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SourceHandler(BaseHTTPRequestHandler):
    """Answers as the server's `script` says for the path, one entry after the other; the last one stays."""

    server: SourceServer

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
        self._send(200, self.server.body)

    def answer_404(self):
        self._send(404)

    def answer_500(self):
        self._send(500)

    def answer_wrong(self):
        self._send(200, b"not Python")

    def answer_truncated(self):
        self._send(200, self.server.body[:1000], length=len(self.server.body))

    def answer_huge(self):
        self._send(200, bytes(2 << 20))

    def answer_moved(self):
        self._send(302, Location="/moved/Python.tar.xz")

    def answer_loop(self):
        self._send(302, Location=self.path)

    def answer_stalled(self):
        self._send(200, self.server.body[:1000], length=len(self.server.body))
        self.wfile.flush()
        self.server.over.wait(60)

    def log_message(self, format, *args):
        pass


class SourceServer(ThreadingHTTPServer):
    """`script` says how each path is answered, `ok` being this body; `asked` is what was. It stalls until it is `over`."""

    daemon_threads = True

    def __init__(self, body: bytes):
        super().__init__(("127.0.0.1", 0), SourceHandler)
        self.body = body
        self.script: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"
