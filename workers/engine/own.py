"""An engine of our own: dockerd on a socket, bridge and data folder of ours, while somebody uses it.

Several commands may share it: the first starts it, the last stops it. It clashes with no engine that is already there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import EngineUnavailable
from workers.engine import cgroups, host
from workers.engine.bridge import Bridge, choose, remembered
from workers.engine.packages import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farm.settings import Settings

_START_S = 60
_STOP_S = 60
_POLL_S = 0.1


class OwnEngine:
    """Our dockerd. What it stores (images) stays in the cache; what it needs while it runs lies under /run."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        """Name its places. One cache folder has one engine."""
        self.data = settings.cache.absolute() / "engine"
        # Short, because a socket's path may only have 107 bytes, and containerd's lies four folders deeper.
        self.run = Path("/run", f"farm-{hashlib.sha256(bytes(self.data)).hexdigest()[:8]}")
        self.url = f"unix://{self.run}/docker.sock"
        self.log = self.run / "dockerd.log"
        self._say = say
        self._daemon: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its url, while it runs. Raises EngineUnavailable when it does not come up."""
        self.run.mkdir(mode=0o700, exist_ok=True)
        with (self.run / "changing").open("w") as changing, (self.run / "users").open("w") as users:
            with _locked(changing):
                fcntl.flock(users, fcntl.LOCK_SH)
                if not self._answers():
                    self._stop()
                    self._start()
            try:
                yield self.url
            finally:
                with _locked(changing):
                    self._stop_if_last(users)

    def _answers(self) -> bool:
        try:
            host.ask(self.url)
        except EngineUnavailable:
            return False
        return True

    def _stop_if_last(self, users: object) -> None:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
        except BlockingIOError:
            self._say("our container engine goes on: another command uses it")
            return
        self._stop()
        self._say(f"our container engine is stopped; its images stay in {self.data} for the next time")

    def _start(self) -> None:
        began = time.monotonic()
        if cgroups.ensure():
            (self.run / "cgroups").touch()
        bridge = choose(remembered(self.run))
        bridge.save(self.run / "bridge.json")
        try:
            bridge.up()
            self._daemon = self._spawn(bridge)
            self._wait_until_up(self._daemon)
        except BaseException:
            self._stop()
            raise
        self._say(f"started a container engine of our own at {self.url} in {time.monotonic() - began:.1f} s")

    def _spawn(self, bridge: Bridge) -> subprocess.Popen[bytes]:
        self.data.mkdir(parents=True, exist_ok=True)
        (self.run / "daemon.json").write_text("{}")  # a daemon.json of the host's engine is not for ours
        command = [
            program("dockerd"),
            f"--config-file={self.run}/daemon.json",
            f"--host={self.url}",
            f"--data-root={self.data}",
            f"--exec-root={self.run}/exec",
            f"--pidfile={self.run}/pid",
            f"--bridge={bridge.name}",
            f"--mtu={bridge.mtu}",
            "--iptables=false",  # a second engine that sets them removes the first one's
            "--ip6tables=false",
            "--ip-forward=false",
            # Without rules of its own it publishes ports by this program.
            f"--userland-proxy-path={proxy}" if (proxy := program("docker-proxy")) else "--userland-proxy=false",
        ]
        path = f"PATH={Path(program('iptables')).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        with self.log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - a command of ours
                ["/usr/bin/env", path, *self._rooted(), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _rooted(self) -> list[str]:
        """What runs a command with a mount point as its root: in a plain chroot the engine cannot unpack images without."""
        if "/" in _mount_points():
            return []
        root = self.run / "root"
        root.mkdir(exist_ok=True)
        script = 'mount --rbind / "$0" && mount --make-rprivate "$0" && exec chroot "$0" "$@"'
        return ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", script, str(root)]

    def _wait_until_up(self, daemon: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and daemon.poll() is None:
            if (self.run / "docker.sock").exists() and self._answers():
                return
            time.sleep(_POLL_S)
        lines = self.log.read_text(errors="replace").splitlines()[-8:]
        raise EngineUnavailable(
            f"dockerd did not come up (exit code {daemon.poll()}). Its last lines:\n  " + "\n  ".join(lines),
            hint="start a container engine of your own and name it in FARM_ENGINE",
        )

    def _stop(self) -> None:
        """End everything that carries our folder in its command line, and take down what it needed."""
        for pid in _pids_naming(f"--exec-root={self.run}/exec"):
            _signal(pid, signal.SIGTERM)
        _wait_until(lambda: not _pids_naming(f"--exec-root={self.run}/exec"), _STOP_S)
        for pid in _pids_naming(str(self.run / "exec")):  # its containerd and shims too, if it did not end them
            _signal(pid, signal.SIGKILL)
        _wait_until(lambda: not _pids_naming(str(self.run / "exec")), _STOP_S)
        if self._daemon:
            self._daemon.wait()
            self._daemon = None
        for point in _mounts_below(self.data, self.run):
            subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)  # noqa: S603, S607 - ours alone
        if bridge := Bridge.load(self.run / "bridge.json"):
            bridge.down(remembered(self.run))
        if (self.run / "cgroups").exists():
            cgroups.release()
        for name in ("bridge.json", "cgroups", "pid", "docker.sock"):
            (self.run / name).unlink(missing_ok=True)
        if not _mounts_below(self.run):
            shutil.rmtree(self.run / "exec", ignore_errors=True)  # a dead containerd's pid file stops the next one


@contextmanager
def _locked(file: object) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)  # type: ignore[arg-type]
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)  # type: ignore[arg-type]


def _pids_naming(text: str) -> list[int]:
    """The engine's processes that have a text in their command line, of this root file system alone."""
    here = Path("/").stat()
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and _is_engine((folder / "cmdline").read_bytes(), text):
                root = (folder / "root").stat()
                if (root.st_dev, root.st_ino) == (here.st_dev, here.st_ino):
                    found.append(int(folder.name))
    return found


def _is_engine(command_line: bytes, text: str) -> bool:
    name = command_line.partition(b"\0")[0].rpartition(b"/")[2]
    return name.startswith((b"dockerd", b"containerd", b"docker-init", b"runc")) and text.encode() in command_line


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait_until(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _mount_points() -> list[str]:
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def _mounts_below(*roots: Path) -> list[str]:
    """Mount points at or below folders, the deepest first."""
    below = (point for point in _mount_points() if any(Path(point).is_relative_to(root) for root in roots))
    return sorted(below, key=len, reverse=True)
