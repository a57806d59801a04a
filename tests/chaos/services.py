"""The processes of a farm under test, each with a folder for temporary files of its own, so that what is left is seen."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
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
