"""Asking a box: run a probe script in it and read the one JSON line that it prints, trusting nothing of it."""

from __future__ import annotations

import io
import tarfile
from importlib import resources
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from farm.errors import BuildFailed, Transient
from workers.engine.protocol import no_room
from workers.verify.findings import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workers.engine.protocol import Box, Completed

MARK = "@@facts "
PROBES = "/work/probes"
SCRATCH = "/work/scratch"
SOURCES = "/work/sources"
USER = "1000:1000"
TIMEOUT_S = 300.0  # for what hangs
_TIMED_OUT = 124  # what timeout(1) says
_SEGFAULT = 139
_TRIES = 3

# uid 1000 has no home in a pristine image; pip and ensurepip want one. Nothing else of the environment is set on purpose:
# C locale, no LD_LIBRARY_PATH, no PYTHONHOME is what a container gives.
ENVIRONMENT = {"HOME": SCRATCH, "TMPDIR": SCRATCH}

Facts = TypeVar("Facts", bound=BaseModel)


class ProbeFailed(Exception):  # noqa: N818 - named for what happened
    """A probe gave no answer: the interpreter crashed, hung, or answered nonsense. A defect of what is verified.

    `hint` says what to look at.
    """

    def __init__(self, message: str, hint: str = "see what run.version says; the interpreter may be broken") -> None:
        """Say what happened, and what to look at."""
        super().__init__(message)
        self.hint = hint


def run(
    box: Box,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str = SCRATCH,
    user: str = USER,
    timeout_s: float = TIMEOUT_S,
    starts_crashers: bool = False,
) -> Completed:
    """Run a command in the box; `starts_crashers`: it starts programs that are to crash, and judges them itself.

    Raises ProbeFailed when it hangs, Transient when the box, its emulator or output is lost.
    """
    done = _run(box, argv, env or {}, cwd, user, timeout_s)
    if done.emulator_crashed and (done.exit_code == _SEGFAULT if starts_crashers else not done.ok):
        raise _emulator_lost(argv)
    if done.disk_full and not done.ok:
        raise no_room(argv[0])
    if not done.whole and done.ok:
        raise Transient(f"the engine lost what was printed by {' '.join(argv)[:120]}", hint="is the machine overloaded?")
    return done


def _run(
    box: Box, argv: Sequence[str], env: Mapping[str, str], cwd: str = SCRATCH, user: str = USER, timeout_s: float = TIMEOUT_S
) -> Completed:
    try:
        done = box.run(argv, env={**ENVIRONMENT, **env}, cwd=cwd, user=user, timeout_s=timeout_s)
    except BuildFailed as error:
        raise ProbeFailed(f"{' '.join(argv)[:120]}: {error.message}") from error
    if done.exit_code == _TIMED_OUT:
        raise ProbeFailed(f"{' '.join(argv)[:120]} was ended, because it took too long: {quoted(done.output)}")
    return done


def _emulator_lost(argv: Sequence[str]) -> Transient:
    return Transient(f"the emulator crashed running {' '.join(argv)[:120]}", hint="a native worker needs none")


def ask(box: Box, argv: Sequence[str], model: type[Facts], *, env: Mapping[str, str] | None = None, user: str = USER) -> Facts:
    """Run a probe and give its answer as `model`. Raises ProbeFailed, with the last lines of output, when there is none.

    What the probe started can crash with its emulator, too: then its answer tells it, and it is Transient all the same.
    """
    done = next((done for _ in range(_TRIES) if (done := _run(box, argv, env or {}, user=user)).whole), None)
    if done is None:
        raise Transient("the engine lost what a probe printed, again and again", hint="is the machine overloaded?")
    if done.emulator_crashed:
        raise _emulator_lost(argv)
    if done.disk_full:
        raise no_room(argv[0])
    answer = next((line for line in reversed(done.output.splitlines()) if line.startswith(MARK)), "")
    if not answer:
        raise ProbeFailed(
            f"no answer from {argv[1] if len(argv) > 1 else argv[0]} (exit {done.exit_code}): {quoted(done.output)}"
        )
    try:
        return model.model_validate_json(answer.removeprefix(MARK))
    except ValidationError as error:
        raise ProbeFailed(f"{argv[0]} answered what no probe says: {quoted(str(error))}") from error


def script(name: str) -> str:
    """Where a probe of ours lies in a box."""
    return f"{PROBES}/{name}"


def probe_files() -> dict[str, bytes]:
    """Every probe, by the path it gets under /work."""
    folder = resources.files("workers.verify") / "probes"
    return {
        f"probes/{item.name}": item.read_bytes()
        for item in folder.iterdir()
        if item.name.endswith((".py", ".c", ".cpp", ".sh", ".txt", ".wsgi", ".pem"))
    }


def parcel(files: Mapping[str, bytes], folders: Sequence[str] = ()) -> bytes:
    """A tar of these files, and of open folders for any user; names are relative to where it is put."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in folders:
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(info)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
