"""The socket of a container engine, and what is said there."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class EngineSocket:
    """A container engine's Unix socket that answers from a table: what a request's first line has in it -> the parts said.

    A list is a stream of JSON parts; it goes on in silence behind a last part `...`, which alone is an engine that says
    nothing. Anything else is one JSON answer.
    `hung_up` is set when who asked for a stream is gone before its end.
    """

    def __init__(self, path: Path, answers: Mapping[str, object]) -> None:
        self.url = f"unix://{path}"
        self.asked: list[str] = []
        self.hung_up = threading.Event()
        self._answers = {"/version": {"ApiVersion": "1.41", "Version": "20.10", "Components": []}, **answers}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as request, suppress(OSError):
            while first := request.readline().decode():
                self._swallow(request)
                self.asked.append(first.rpartition(" ")[0])
                answer = next((answer for key, answer in self._answers.items() if key in first), {"message": "no such thing"})
                if answer is ...:
                    connection.recv(1)
                elif isinstance(answer, list):
                    self._stream(connection, answer)
                else:
                    connection.sendall(self._head(f"Content-Length: {len(json.dumps(answer))}") + json.dumps(answer).encode())

    @staticmethod
    def _swallow(request: IO[bytes]) -> None:
        """The rest of a request."""
        fields = dict(line.decode().lower().split(": ", 1) for line in iter(request.readline, b"\r\n"))
        if "chunked" in fields.get("transfer-encoding", ""):
            while size := int(request.readline(), 16):
                request.read(size + 2)
            request.readline()
        request.read(int(fields.get("content-length", "0")))

    def _stream(self, connection: socket.socket, parts: list[object]) -> None:
        connection.sendall(self._head("Transfer-Encoding: chunked"))
        for part in parts:
            if part is ...:
                connection.recv(1)
                self.hung_up.set()
                return
            said = json.dumps(part).encode() + b"\n"
            connection.sendall(f"{len(said):x}\r\n".encode() + said + b"\r\n")
        connection.sendall(b"0\r\n\r\n")

    @staticmethod
    def _head(how: str) -> bytes:
        return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{how}\r\n\r\n".encode()
