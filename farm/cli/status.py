"""`farm status`: how the farm stands, in a terminal or as a page for those who have no terminal there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click

from farm.dispatch.standing import Standing, standing
from farm.errors import BadInput, FarmError
from farm.settings import Settings
from farm.show import standing as show
from farm.store.open import open_store

_FRESH_S = 2.0


@dataclass
class Board:
    """What is shown. However many look at it, the store is asked at most every two seconds."""

    see: Callable[[], Standing]
    clock: Callable[[], float] = time.monotonic
    _seen: Standing | None = None
    _at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> Standing:
        """How the farm stands. Raises FarmError when the store does not answer."""
        with self._lock:
            if self._seen is None or self.clock() - self._at > _FRESH_S:
                self._seen = self.see()
                self._at = self.clock()
            return self._seen


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--listen", metavar="HOST:PORT", help="Serve it as a page (and /status.json) until Ctrl-C.")
def status(*, as_json: bool, listen: str | None) -> None:
    """Show runs, what is being built, and workers. Only the store's read key is needed."""
    settings = Settings()
    store = open_store(settings)
    board = Board(lambda: standing(settings, store))
    if listen is None:
        now = board.now()
        click.echo(json.dumps(show.as_data(now), indent=2) if as_json else show.text(now))
        return
    serving = server(board, listen)
    with serving:
        click.echo(f"the farm's status is at http://{serving.server_address[0]!s}:{serving.server_port}/")
        serving.serve_forever(poll_interval=0.2)


def server(board: Board, listen: str) -> ThreadingHTTPServer:
    """A server that waits for `serve_forever`. Raises BadInput when nothing can listen there."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise BadInput(f"'{listen}' is no address to listen at", hint="write host:port, e.g. 127.0.0.1:8080")
    handler = type("StatusHandler", (_Handler,), {"board": board})
    try:
        return ThreadingHTTPServer((host, int(port)), handler)
    except (OSError, OverflowError) as error:
        raise BadInput(f"cannot listen at {listen}: {error}", hint="choose another port") from error


class _Handler(BaseHTTPRequestHandler):
    board: Board
    timeout = 30

    def do_GET(self) -> None:
        """The page, its data, or 404."""
        try:
            if self.path == "/":
                self._send(HTTPStatus.OK, "text/html; charset=utf-8", show.page(self.board.now()))
            elif self.path == "/status.json":
                self._send(HTTPStatus.OK, "application/json", json.dumps(show.as_data(self.board.now())))
            else:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", "not found\n")
        except FarmError as error:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", f"{error.message}\n")

    def _send(self, code: HTTPStatus, kind: str, body: str) -> None:
        data = body.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody wants a line for each look."""
