"""A running container as a place to run commands in: sign of life, deadlines, streamed output."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

import requests
from docker.errors import APIError, DockerException

from farm.errors import BuildFailed, Cancelled, Transient
from workers.engine.protocol import Completed, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_KILLED = 137
_TICK_S = 0.5
_FRAME_HEAD = 8  # which stream, three zeros, and the payload's length
_TRIES_TO_SEE_THE_END = 4
_MARK = "@@end@@"


class DockerBox:
    """A box in Docker: its first process is the keeper, commands are `exec`s."""

    def __init__(self, client: Any, container: Any, limits: Limits, cancelled: Callable[[], bool]) -> None:  # noqa: ANN401
        """Wrap a created container that was not started yet."""
        self._api = client.api
        self._container = container
        self._limits = limits
        self._cancelled = cancelled
        self._ends = time.monotonic() + limits.deadline_s
        self._over = threading.Event()
        self._why: Exception | None = None
        self._began = self._last_line = 0.0  # of the command that runs
        self._printed = 0  # bytes of it

    @property
    def name(self) -> str:
        """By what its engine knows it."""
        return str(self._container.id)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start it, and keep it alive until the context ends."""
        attached = self._api.attach_socket(self._container.id, params={"stdin": 1, "stream": 1})
        self._container.start()
        keeper = threading.Thread(target=self._keep_alive, args=(attached,), name="box-keeper", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._over.set()
            keeper.join(timeout=10)
            _close(attached)

    def _keep_alive(self, attached: Any) -> None:  # noqa: ANN401 - docker-py's socket
        """Say every third of a lease that we live, and end the box when a deadline passes or somebody cancels."""
        raw = getattr(attached, "_sock", attached)
        said = 0.0
        while not self._over.wait(_TICK_S):
            now = time.monotonic()
            if now - said > self._limits.lease_s / 3:
                said = now
                with suppress(OSError):
                    raw.sendall(b"alive\n")
            self._why = self._reason_to_end(now)
            if self._why is not None:
                with suppress(DockerException, requests.RequestException):
                    self._container.kill()
                return

    def _reason_to_end(self, now: float) -> Exception | None:
        if self._cancelled():
            return Cancelled("the cell was cancelled")
        if now > self._ends:
            return BuildFailed(
                f"the box took longer than its deadline of {self._limits.deadline_s} s",
                hint="FARM_CELL_DEADLINE_S and FARM_VERIFY_DEADLINE_S set the times; or build with a lighter optimize",
            )
        if self._began and now - self._began > self._limits.step_s * self._limits.patience:
            return BuildFailed(
                f"a single command took longer than its deadline of {self._limits.step_s * self._limits.patience:.0f} s",
                hint="see the log's last lines; FARM_STEP_DEADLINE_S sets the time",
            )
        if self._printed > self._limits.printed_bytes:
            return self._flood()
        if self._last_line and now - self._last_line > self._limits.silent_s:
            return BuildFailed(
                f"nothing was printed for {self._limits.silent_s} s, so the build was taken for stuck",
                hint="see the log's last lines; FARM_SILENT_DEADLINE_S sets the time",
            )
        return None

    def _flood(self) -> BuildFailed:
        return BuildFailed(
            f"a single command printed more than {self._limits.printed_bytes >> 20} MiB, so the build was taken for stuck",
            hint="see the log's last lines: does something run again and again?",
        )

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str = "/work",
        user: str = "1000:1000",
        on_line: Callable[[str], None] | None = None,
        timeout_s: float | None = None,
    ) -> Completed:
        """Run a command to its end. Raises Transient when the engine or the box is lost, BuildFailed past a limit."""
        limited = ["timeout", "-k", "10", str(timeout_s * self._limits.patience), *argv] if timeout_s else list(argv)
        # one stream, so that lines keep their order, and a mark behind all of it, so that a lost end is noticed
        command = ["/bin/sh", "-c", f'"$@" 2>&1; code=$?; printf %s {_MARK}; exit $code', "sh", *limited]
        try:
            started = self._api.exec_create(
                self._container.id, command, environment=dict(env or {}), workdir=cwd, user=user, stdout=True, stderr=True
            )
            output, whole = self._stream(started["Id"], on_line)
            code = self._exit_code(started["Id"])
        except (APIError, requests.RequestException) as error:
            raise self._why or Transient(f"the box was lost: {error}", hint="is the engine running?") from error
        if self._why is not None:
            raise self._why
        if self._printed > self._limits.printed_bytes:
            raise self._flood()
        if code in (None, _KILLED) and self._ended():
            raise Transient("the box ended under the build: the engine stopped it, or the host ran out of memory")
        if code is None:  # so whether it failed is not known; the box ends, and the command with it
            raise Transient(
                "the engine's stream was cut while the command ran", hint="the engine's own log may say why it hung up"
            )
        return Completed(code, output, whole)

    def _exit_code(self, started: str) -> int | None:
        """How a command ended whose stream is over; None when it runs on. The engine takes a moment to know."""
        for _ in range(_TRIES_TO_SEE_THE_END):
            code: int | None = self._api.exec_inspect(started)["ExitCode"]
            if code is not None or self._why is not None:
                return code
            time.sleep(_TICK_S)
        return None

    def _stream(self, started: str, on_line: Callable[[str], None] | None) -> tuple[str, bool]:
        lines: list[str] = []
        rest = b""
        self._began = self._last_line = time.monotonic()
        self._printed = 0
        connection = self._api.exec_start(started, socket=True)
        try:
            for chunk in _frames(connection):
                self._last_line = time.monotonic()
                self._printed += len(chunk)
                if self._printed > self._limits.printed_bytes:  # the keeper ends the box; nobody keeps what comes meanwhile
                    continue
                *ended, rest = (rest + chunk).split(b"\n")
                for raw in ended:
                    _take(raw, lines, on_line)
        finally:
            self._began = self._last_line = 0.0
            _close(connection)
        whole = rest.endswith(_MARK.encode())
        if rest := rest.removesuffix(_MARK.encode()):
            _take(rest, lines, on_line)
        return "\n".join(lines), whole

    def _ended(self) -> bool:
        """Whether the whole box is gone, and not just a command in it; the engine takes a moment to know."""
        for _ in range(_TRIES_TO_SEE_THE_END):
            try:
                self._container.reload()
            except (DockerException, requests.RequestException):
                return True
            if not self._container.attrs["State"]["Running"]:
                return True
            time.sleep(_TICK_S)
        return False

    def put(self, path: str, tar: IO[bytes] | bytes) -> None:
        """Unpack a tar (plain or gzip) into the existing folder `path`, which lies under /work."""
        try:
            self._container.put_archive(path, tar)
        except (APIError, requests.RequestException) as error:
            raise self._why or Transient(f"the box took no files at {path}: {error}") from error

    def get(self, path: str) -> Iterator[bytes]:
        """A file or folder of the box as a tar stream. Its content is not to be trusted."""
        try:
            stream, _ = self._container.get_archive(path)
            yield from stream
        except (APIError, requests.RequestException) as error:
            raise self._why or Transient(f"the box gave no {path}: {error}") from error


def _frames(connection: Any) -> Iterator[bytes]:  # noqa: ANN401 - docker-py's socket
    """What a command prints, as it comes: the payloads of the engine's frames.

    Read through the buffer of the answer's head: what came together with the head lies there, and docker-py's own reader, which
    starts at the bare socket, would lose it. https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
    """
    getattr(connection, "_sock", connection).settimeout(None)  # builds are silent for long; deadlines are the keeper's
    reader = connection._response.raw._fp.fp  # noqa: SLF001 - docker-py keeps it there for us
    while len(head := reader.read(_FRAME_HEAD)) == _FRAME_HEAD:
        yield reader.read(int.from_bytes(head[4:], "big"))


def _close(connection: Any) -> None:  # noqa: ANN401 - docker-py's socket, which hangs on to its response
    with suppress(AttributeError, OSError, ValueError):
        connection._response.close()  # noqa: SLF001 - docker-py keeps it there for us, and never closes it


def _take(raw: bytes, lines: list[str], on_line: Callable[[str], None] | None) -> None:
    line = raw.decode(errors="replace").rstrip("\r")
    lines.append(line)
    if on_line:
        on_line(line)
