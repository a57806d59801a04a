"""One tree of errors: what failed, what to run next, whether trying again can help.

Every failure the farm knows has a class here. A class fixes the exit code and whether the dispatcher may retry.
Errors cross the queue as a `Failure` (plain data), never as a pickled exception.
"""

from __future__ import annotations

import errno
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

FailureKind = Literal["bad-input", "build-failed", "verification-failed", "transient", "cancelled", "internal"]

EXIT_OK = 0
EXIT_INTERNAL = 1
EXIT_BAD_INPUT = 2
EXIT_CELLS_FAILED = 3
EXIT_ENVIRONMENT = 4
EXIT_INTERRUPTED = 130


@dataclass(frozen=True)
class Failure:
    """A failure as data, as it crosses the queue and is kept in the store.

    `outdated`: what its distro was found to give is not what it gives now, and has to be found out anew.
    """

    kind: FailureKind
    message: str
    hint: str = ""
    step: str = ""
    outdated: bool = False


class FarmError(Exception):
    """Something the operator should read. `message` says what failed, `hint` what to run or change next."""

    kind: ClassVar[FailureKind] = "internal"
    exit_code: ClassVar[int] = EXIT_INTERNAL
    outdated: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", step: str = "") -> None:
        """Keep what failed, what to do next, and the step it failed in (filled in later if it is empty)."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.step = step

    @property
    def transient(self) -> bool:
        """Whether the same work may succeed if it is tried again."""
        return self.kind == "transient"

    @property
    def told(self) -> str:
        """The lines that a command prints of it."""
        return f"error: {self.message}\n" + (f"  hint: {self.hint}\n" if self.hint else "")

    def failure(self, step: str = "") -> Failure:
        """This error as data."""
        return Failure(self.kind, self.message, self.hint, self.step or step, self.outdated)


class BadInput(FarmError):  # noqa: N818 - named for what happened
    """The user's input is wrong. Never retried."""

    kind = "bad-input"
    exit_code = EXIT_BAD_INPUT


class BuildFailed(FarmError):  # noqa: N818 - named for what happened
    """The build of a cell failed for reasons of its own. Never retried; its log is kept.

    `output`: all that was printed, where somebody has to look for more in it than the message has.
    """

    kind = "build-failed"
    exit_code = EXIT_CELLS_FAILED
    output: str = ""


class VerificationFailed(FarmError):  # noqa: N818 - named for what happened
    """The archive was built and a check found an error. Never retried; archive and findings are kept."""

    kind = "verification-failed"
    exit_code = EXIT_CELLS_FAILED


class Transient(FarmError):  # noqa: N818 - named for what happened
    """The engine, the store, the broker or the network failed. Retried with back-off, then reported."""

    kind = "transient"
    exit_code = EXIT_ENVIRONMENT


class Cancelled(FarmError):  # noqa: N818 - named for what happened
    """Somebody asked for the work to end."""

    kind = "cancelled"
    exit_code = EXIT_INTERRUPTED


class DistroMoved(Transient):
    """A distro gives other packages than the plan was made for."""

    outdated = True


class EngineUnavailable(Transient):
    """No container engine answers."""


class StoreUnavailable(Transient):
    """The store does not answer, or refuses."""


class NoRoomHere(Transient):
    """This host cannot write what it is to fetch; that says nothing against what it is of, or who made it."""


DISK_FULL = "disk is full"  # as every message says it, also those that cross a process


def no_room(error: Exception) -> NoRoomHere | None:
    """What a full disk of this host is called, where that is what an error says."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoomHere(f"this host's {DISK_FULL}: {error}", hint="make room in TMPDIR and the cache, or set others")
    return None


@contextmanager
def room() -> Iterator[None]:
    """What finds this host's disk full raises NoRoomHere."""
    try:
        yield
    except OSError as error:
        if full := no_room(error):
            raise full from error
        raise


class BrokerUnavailable(Transient):
    """Redis does not answer."""


class Conflict(FarmError):  # noqa: N818 - named for what happened
    """A conditional write lost: the key is already there, or has changed since it was read."""

    exit_code = EXIT_ENVIRONMENT


_BY_KIND: dict[FailureKind, type[FarmError]] = {
    kind.kind: kind for kind in (FarmError, BadInput, BuildFailed, VerificationFailed, Transient, Cancelled)
}


def from_failure(failure: Failure) -> FarmError:
    """The error that a `Failure` describes."""
    return _BY_KIND[failure.kind](failure.message, hint=failure.hint, step=failure.step)
