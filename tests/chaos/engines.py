"""The container engine of a chaos session: one of its own on a file system of its own, which can be restarted and filled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import docker

from farm.settings import Settings
from tests.chaos.services import BALLAST, fill
from workers.engine import own
from workers.engine.docker import MANAGED
from workers.engine.own import OwnEngine

if TYPE_CHECKING:
    from pathlib import Path

_SIZE = 4 << 30


class Containers:
    """What lies in an engine, asked directly."""

    def __init__(self, url: str) -> None:
        self.url = url

    def left(self, marks: tuple[str, ...]) -> list[str]:
        """Containers of cells with one of these names, and volumes that nobody uses."""
        client = docker.DockerClient(base_url=self.url, timeout=60)
        try:
            names = []
            for one in client.containers.list(all=True, filters={"label": MANAGED}, ignore_removed=True):
                cell = one.labels.get("farm.cell", "")
                if not marks or cell in marks:
                    names.append(f"container {one.short_id} {cell} {one.status}")
            if not marks:
                names += [f"volume {one.short_id}" for one in client.volumes.list()]
            return names
        finally:
            client.close()


class PrivateEngine(Containers):
    """A dockerd whose data lie on a loop device of a few GiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.image = folder / "disk.img"
        folder.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(exist_ok=True)
        with self.image.open("wb") as file:
            file.truncate(_SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(self.image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(self.image), str(self.data)], check=True)
        self.engine = OwnEngine(Settings(cache=self.data), lambda _line: None)
        self._running = self.engine.running()
        super().__init__(self._running.__enter__())

    def close(self) -> None:
        self.free()
        self._running.__exit__(None, None, None)
        subprocess.run(["umount", "--lazy", str(self.data)], check=False)
        self.image.unlink(missing_ok=True)

    def kill(self) -> None:
        """kill -9 of dockerd, its containerd and every shim: as when the power fails."""
        for pid in own._pids_naming(str(self.engine.run)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        daemon = self.engine._daemon
        if daemon:
            daemon.wait()

    def restart(self) -> None:
        """Bring it up again, whatever is left of it."""
        self.engine._stop()
        self.engine._start()

    def fill(self) -> None:
        """Leave no byte free on its disk."""
        fill(self.data)

    def free(self) -> None:
        (self.data / BALLAST).unlink(missing_ok=True)


def loaded(source: str, target: str, images: list[str]) -> None:
    """Copy images from one engine to another."""
    with subprocess.Popen(["docker", "-H", source, "save", *images], stdout=subprocess.PIPE) as saved:
        subprocess.run(["docker", "-H", target, "load", "-q"], stdin=saved.stdout, check=True, capture_output=True)


def images_of(url: str, part: str) -> list[str]:
    """The names of an engine's images with `part` in them."""
    done = subprocess.run(["docker", "-H", url, "images", "--format", "{{json .}}"], check=True, capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [f"{row['Repository']}:{row['Tag']}" for row in rows if part in row["Repository"] and row["Tag"] != "<none>"]
