"""Boxes that answer what a script says, and an engine that has them."""

from __future__ import annotations

import io
import tarfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from workers.engine.protocol import USUAL, Bounds, BoxSpec, Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class ScriptedBox:
    """A box that answers a command with what the script says for the first key that the command has in it.

    An answer is output (exit code 0), (exit code, output), or an exception to raise. What was run and put is kept. The first
    `lost` answers are lost on their way.
    """

    def __init__(self, script: Mapping[str, str | tuple[int, str] | Exception] | None = None, *, lost: int = 0) -> None:
        self.script = dict(script or {})
        self.lost = lost
        self.commands: list[str] = []
        self.environments: list[Mapping[str, str]] = []
        self.files: dict[str, list[str]] = {}

    name = "scripted"

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
        command = " ".join(argv)
        self.commands.append(command)
        self.environments.append(env or {})
        answer = next((answer for key, answer in self.script.items() if key in command), "")
        if isinstance(answer, Exception):
            raise answer
        code, output = (0, answer) if isinstance(answer, str) else answer
        for line in output.splitlines() if on_line else ():
            on_line(line)
        if self.lost:
            self.lost -= 1
            return Completed(code, "", whole=False)
        return Completed(code, output)

    def put(self, path: str, tar: IO[bytes] | bytes) -> None:
        stream = io.BytesIO(tar) if isinstance(tar, bytes) else tar
        with tarfile.open(fileobj=stream, mode="r|*") as members:
            self.files.setdefault(path, []).extend(member.name for member in members)

    def get(self, path: str) -> Iterator[bytes]:
        raise NotImplementedError(path)


class ScriptedEngine:
    """An engine whose boxes are given beforehand, by image."""

    name = "Scripted Engine 1.0"

    def __init__(self, boxes: Mapping[str, ScriptedBox]) -> None:
        self.boxes = dict(boxes)
        self.specs: list[BoxSpec] = []
        self.open = 0

    def layers(self, image: str) -> tuple[str, ...] | None:
        return ("layer",) if image in self.boxes else None

    def identity(self, image: str) -> str:
        return f"id of {image}" if image in self.boxes else ""

    def load_base(self, rootfs: IO[bytes] | None, image: str, *, arch: str, bounds: Bounds = USUAL) -> None:
        raise NotImplementedError(image)

    def tags(self, repository: str) -> tuple[str, ...]:
        raise NotImplementedError(repository)

    def tag(self, image: str, new: str) -> None:
        raise NotImplementedError(new)

    def drop(self, image: str) -> None:
        raise NotImplementedError(image)

    def build(
        self, image: str, dockerfile: str, *, on_line: Callable[[str], None] | None = None, bounds: Bounds = USUAL
    ) -> None:
        raise NotImplementedError(image)

    @contextmanager
    def box(self, spec: BoxSpec) -> Iterator[ScriptedBox]:
        self.specs.append(spec)
        self.open += 1
        try:
            yield self.boxes[spec.image]
        finally:
            self.open -= 1


class KeptBox(ScriptedBox):
    """A box whose every folder has one file."""

    def get(self, path):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            tar.addfile(tarfile.TarInfo(f"{path.rpartition('/')[2]}/file"))
        yield stream.getvalue()
