"""What the pipeline needs of a container engine. `workers.engine.docker` is the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Protocol

from farm.errors import Transient

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from farm.settings import Settings


def emulator_crashed(output: str) -> bool:
    """Whether qemu died of signal 11 in what printed this, or in anything that it started and whose output it repeats.

    It now and then does where no machine would: what was tried is tried again, as often as anything that passes.
    """
    return "qemu: uncaught target signal 11" in output


def disk_full(output: str) -> bool:
    """Whether what printed this found no room: there may be some again when it is measured, as another cell has ended."""
    return "no space left on device" in output.lower()


def no_room(what: str) -> Transient:
    """What a command or a build that found no room raises."""
    return Transient(f"the engine's disk is full: {what} found no room", hint="make room, e.g. docker system prune")


@dataclass(frozen=True)
class Completed:
    """A command that ended in a box: its exit code and what it printed (stdout and stderr as they came).

    `whole` is False when the engine lost the end of it: Docker waits two seconds for it after the command's end, and a busy
    machine can need longer.
    """

    exit_code: int
    output: str
    whole: bool = True

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.exit_code == 0

    @property
    def emulator_crashed(self) -> bool:
        """Whether an emulator did in it, whatever its own exit code."""
        return emulator_crashed(self.output)

    @property
    def disk_full(self) -> bool:
        """Whether it, or anything that it started, found no room."""
        return disk_full(self.output)


@dataclass(frozen=True)
class Limits:
    """What a box may use; `patience`: how much longer than its time each command may take, where an emulator runs it.

    `printed_bytes` is for each command: all that it prints is kept in memory, and in a log that may have 64 MiB.
    """

    memory_bytes: int = 8 << 30
    pids: int = 4096
    cpus: float = 0.0
    deadline_s: int = 3 * 3600
    step_s: int = 2 * 3600
    silent_s: int = 30 * 60
    printed_bytes: int = 48 << 20
    lease_s: int = 45
    patience: float = 1.0


def limits_of(settings: Settings, deadline_s: int) -> Limits:
    """What an operator's settings let a box use; the deadline depends on what the box is for."""
    return Limits(
        memory_bytes=int(settings.memory_gb * (1 << 30)),
        cpus=settings.cores_per_cell,
        deadline_s=deadline_s,
        step_s=settings.step_deadline_s,
        silent_s=settings.silent_deadline_s,
        lease_s=settings.lease_s,
    )


@dataclass(frozen=True)
class Bounds:
    """How long what is done outside of boxes may go on, and go on in silence; `cancelled` ends it at once."""

    deadline_s: float = 2 * 3600
    silent_s: float = 30 * 60
    cancelled: Callable[[], bool] = bool  # asked twice a second


USUAL = Bounds()


def bounds_of(settings: Settings, cancelled: Callable[[], bool]) -> Bounds:
    """What an operator's settings allow."""
    return Bounds(settings.step_deadline_s, settings.silent_deadline_s, cancelled)


@dataclass(frozen=True)
class BoxSpec:
    """A box to be: an image, limits, and labels by which leftovers are found. `/work` is its one writable volume.

    The image must have a folder `/work` that belongs to 1000:1000; the volume takes it over. With `sees`, `/work` is that of
    another box, mounted read-only: only /tmp can be written.
    """

    image: str
    limits: Limits = Limits()
    labels: Mapping[str, str] = field(default_factory=dict)
    cancelled: Callable[[], bool] = bool  # asked twice a second; True ends the box
    sees: Box | None = None


class Box(Protocol):
    """A running container without network, privileges or anything of the host: the only place foreign code runs."""

    @property
    def name(self) -> str:
        """By what its engine knows it."""
        ...

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
        """Run a command to its end. Raises Transient when the engine or the box is lost, BuildFailed past a deadline."""
        ...

    def put(self, path: str, tar: IO[bytes] | bytes) -> None:
        """Unpack a tar (plain or gzip) into the existing folder `path`, which lies under /work."""
        ...

    def get(self, path: str) -> Iterator[bytes]:
        """A file or folder of the box as a tar stream. Its content is not to be trusted."""
        ...


class Engine(Protocol):
    """A container engine: Docker Engine, or Podman's compatible socket."""

    @property
    def name(self) -> str:
        """What answers, e.g. 'Docker Engine 20.10.24'."""
        ...

    def layers(self, image: str) -> tuple[str, ...] | None:
        """Content digests of an image's layers; None when the engine has no such image."""
        ...

    def tags(self, repository: str) -> tuple[str, ...]:
        """The tags that the engine has of a repository (an image's name without its tag)."""
        ...

    def tag(self, image: str, new: str) -> None:
        """Give an image another name, e.g. 'python-farm/builder-debian13-amd64:1f-20261122'."""
        ...

    def drop(self, image: str) -> None:
        """Take a name away, and the image with its last one. Nothing happens when it is in use or not there."""
        ...

    def identity(self, image: str) -> str:
        """The engine's own id of an image, e.g. 'sha256:…'; '' when it has no such image."""
        ...

    def load_base(self, rootfs: IO[bytes] | None, image: str, *, arch: str, bounds: Bounds = USUAL) -> None:
        """Make `image` exist: import a root file system, or pull by that name when `rootfs` is None.

        Raises Transient, and Cancelled.
        """
        ...

    def build(
        self, image: str, dockerfile: str, *, on_line: Callable[[str], None] | None = None, bounds: Bounds = USUAL
    ) -> None:
        """Build an image from a Dockerfile with no context. Raises BuildFailed, Transient or Cancelled."""
        ...

    def box(self, spec: BoxSpec) -> AbstractContextManager[Box]:
        """A box that lives while the context does, and ends by itself when this process dies."""
        ...
