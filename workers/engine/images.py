"""Images that an engine pulls, imports or builds: long work, on a connection of its own that is cut off when it has to end."""

from __future__ import annotations

import io
from contextlib import closing, contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Any, TypeVar

from docker.errors import BuildError

from farm.errors import BuildFailed, Transient
from workers.engine.protocol import disk_full, emulator_crashed, no_room
from workers.engine.watch import hang_up, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import requests
    from docker import APIClient

    from workers.engine.protocol import Bounds

    Connect = Callable[[], APIClient]
    Part = dict[str, Any]

T = TypeVar("T")

MANAGED = "farm.managed"


class _Wire:
    """The engine's answers on one connection. Once cut, from any thread, none of them says anything more."""

    def __init__(self) -> None:
        """No answer yet."""
        self._answers: list[requests.Response] = []
        self._is_cut = False

    def answered(self, answer: requests.Response, **_: object) -> None:
        """An answer begins."""
        self._answers.append(answer)
        if self._is_cut:
            self.cut()

    def cut(self) -> None:
        """Whoever reads sees the end, and hangs up; then the engine ends what it does for that connection."""
        self._is_cut = True
        for answer in self._answers:
            hang_up(answer)


@contextmanager
def _told(what: str, bounds: Bounds, connect: Connect, ask: Callable[[APIClient], Iterable[T]]) -> Iterator[Iterator[T]]:
    """What the engine says to a question, part by part. Raises Cancelled, and Transient past a deadline."""
    wire = _Wire()
    with closing(connect()) as api:
        api.hooks["response"] = [wire.answered]
        with closing(watched(what, bounds, partial(ask, api), wire.cut)) as parts:
            yield parts


def pull(connect: Connect, image: str, arch: str, bounds: Bounds) -> None:
    """Pull an image by its name. Raises Transient or Cancelled."""

    def ask(api: APIClient) -> Iterator[Part]:
        yield from api.pull(image, platform=f"linux/{arch}", stream=True, decode=True)

    with _told(f"the pull of {image}", bounds, connect, ask) as parts:
        for part in parts:
            if "error" in part:
                raise Transient(f"the engine could not pull {image}: {part['error']}")


def load(connect: Connect, rootfs: IO[bytes], image: str, bounds: Bounds) -> None:
    """Import a root file system, a tar, as an image. Raises Transient or Cancelled."""
    repository, _, tag = image.rpartition(":")

    def ask(api: APIClient) -> Iterator[str]:
        yield api.import_image_from_data(rootfs, repository=repository, tag=tag)

    with _told(f"the import of {image}", bounds, connect, ask) as answers:
        for answer in answers:
            if '"error"' in answer:
                raise Transient(f"the engine could not import {image}: {answer}")


def build(connect: Connect, image: str, dockerfile: str, on_line: Callable[[str], None] | None, bounds: Bounds) -> None:
    """Build an image from a Dockerfile with no context. Raises BuildFailed, Transient or Cancelled."""

    def ask(api: APIClient) -> Iterator[Part]:
        text = io.BytesIO(dockerfile.encode())
        yield from api.build(fileobj=text, tag=image, rm=True, forcerm=True, decode=True, labels={MANAGED: "1"})

    lines: list[str] = []
    try:
        with _told(f"the build of {image}", bounds, connect, ask) as parts:
            for part in parts:
                _heard(part, lines, on_line)
    except BuildError as error:
        if emulator_crashed("\n".join(lines)):
            raise Transient(f"the emulator crashed building {image}", hint="a native worker needs none") from error
        if disk_full("\n".join([*lines, str(error)])):
            raise no_room(f"the build of {image}") from error
        failed = BuildFailed(
            f"the image {image} could not be built: {error}\n" + "\n".join(lines[-15:]),
            hint="a package that the mirror does not have? see the lines above",
            step="image",
        )
        failed.output = "\n".join(lines)
        raise failed from error


def _heard(part: Part, lines: list[str], on_line: Callable[[str], None] | None) -> None:
    if "error" in part:
        raise BuildError(part["error"], iter(()))
    for line in str(part.get("stream", "")).splitlines():
        if line.strip():
            lines.append(line)
            if on_line:
                on_line(line)
