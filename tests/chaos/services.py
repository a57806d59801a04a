"""The processes of a farm under test, each with a folder for temporary files of its own, so that what is left is seen."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


BALLAST = "ballast"


@dataclass
class Service:
    """A process that is started, killed and started again, as systemd would."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp" / self.name

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def start(self, **environment: str) -> None:
        """Start it; `environment` are more variables for this time."""
        assert self.process is None or self.process.poll() is not None
        self.tmp.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                env={**self.environment, "TMPDIR": str(self.tmp), **environment},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """kill -9: nothing of it gets to clean up."""
        if self.process and self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self, patience_s: float = 20) -> None:
        """End it in order."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self.kill()

    def children(self) -> list[int]:
        """Its child processes: the slots of a worker."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


@dataclass(frozen=True)
class Victim:
    """A slot of a worker in the middle of a step: its process and the log that says so."""

    worker: Service
    pid: int
    log: Path

    def step(self) -> str:
        """The step that it is in; '' when it is over."""
        return last_step(self.log)


def last_step(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.removeprefix("=== ") for line in reversed(lines) if line.startswith("=== ")), "start")


def attempts_of(worker: Service) -> list[Victim]:
    """Every attempt that a worker makes just now."""
    return [Victim(worker, pid, log) for log in logs_of(worker) for pid in slots_writing(worker, log)]


def logs_of(worker: Service) -> list[Path]:
    """The logs of its attempts: they lie in the folder for temporary files that each slot has of its own."""
    try:
        return list(worker.tmp.glob("farm-scratch-*/farm-scratch-*/farm-attempt-*/build.log"))
    except FileNotFoundError:  # a slot that ended while they were listed (before Python 3.12)
        return []


def slots_writing(worker: Service, log: Path) -> list[int]:
    """The slots that have a file open."""
    found = []
    for pid in worker.children():
        try:
            with os.scandir(f"/proc/{pid}/fd") as opened:
                if any(os.path.realpath(fd.path) == str(log.resolve()) for fd in opened):
                    found.append(pid)
        except OSError:
            continue
    return found


@dataclass
class Watchful:
    """Finds a victim in a step: it is stopped first, and then looked at again, so that it is in that very step when it dies."""

    workers: list[Service]
    patience_s: float = 60.0
    _paths: dict[Path, tuple[Service, int]] = field(default_factory=dict)

    def caught(self, step: str = "") -> Victim | None:
        """A stopped slot that is in the step (in any, when ''); None when none came by in time."""
        ends = time.monotonic() + self.patience_s
        while time.monotonic() < ends:
            for worker in self.workers:
                for log in logs_of(worker):
                    if (victim := self._look(worker, log, step)) is not None:
                        return victim
            time.sleep(0.002)
        return None

    def _look(self, worker: Service, log: Path, step: str) -> Victim | None:
        now = last_step(log)
        if not now or (step and now != step) or now.startswith(("failed", "built")):
            return None
        try:
            pids = slots_writing(worker, log)
        except OSError:
            return None
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            if last_step(log) == now:
                return Victim(worker, pid, log)
            os.kill(pid, signal.SIGCONT)
        return None


def forgotten(folder: Path, *, held: bool = False) -> Iterator[Path]:
    """What lies in a folder for temporary files and belongs to no living process. A living one holds its folder."""
    for path in folder.iterdir():
        if path.name.startswith("farm-scratch-") and is_held(path):
            with suppress(FileNotFoundError):
                yield from forgotten(path, held=True)
        elif path.name != BALLAST and not (held and path.name.startswith("pymp-")):
            yield path


def fill(folder: Path) -> None:
    """Leave no byte free where a folder lies."""
    free = os.statvfs(folder)
    with (folder / BALLAST).open("ab", buffering=0) as file:
        with suppress(OSError):  # somebody else was quicker
            os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize))
        with suppress(OSError):
            while True:
                file.write(bytes(4096))


def is_held(folder: Path) -> bool:
    """Whether a process holds it, or has just removed it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
