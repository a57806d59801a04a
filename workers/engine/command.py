"""`python -m workers engine-probe`, `python -m workers sweep` and `python -m workers with-engine -- CMD…`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from farm.errors import EXIT_OK, BadInput, EngineUnavailable, Transient
from farm.settings import Settings
from workers import room
from workers.engine import host
from workers.engine.docker import DockerEngine
from workers.engine.own import OwnEngine
from workers.engine.packages import BOOTSTRAP, NEEDED, install, missing, program

_FORWARDED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def say(line: str) -> None:
    """A line for the operator, apart from what the command itself prints."""
    sys.stderr.write(f"engine: {line}\n")
    sys.stderr.flush()


def engine_probe(arguments: list[str]) -> int:
    """Print the engine that answers. Raises EngineUnavailable, and Transient where there is no room for a cell."""
    if arguments:
        raise BadInput("engine-probe takes no arguments")
    settings = Settings()
    found = host.require(settings)
    if trouble := room.lacking(settings):
        raise Transient(trouble, hint="or FARM_ROOM_GB asks for less: a cell without optimisation took 0.7 GiB there")
    sys.stdout.write(f"{found.name} at {found.url}\n")
    return EXIT_OK


def sweep(arguments: list[str]) -> int:
    """Remove what dead processes left in the engine, and print how many containers that were. Raises EngineUnavailable."""
    if arguments:
        raise BadInput("sweep takes no arguments")
    engine = DockerEngine(host.require(Settings()).url)
    sys.stdout.write(f"{engine.sweep()} containers removed\n")
    engine.close()
    return EXIT_OK


def with_engine(arguments: list[str]) -> int:
    """Run a command with a container engine: the one that answers, or one of our own while the command runs.

    Gives the command's exit code, 128 plus the signal's number when a signal ended it.
    """
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command or command[0].startswith("-"):  # an option, and this has none: no engine is started for it
        raise BadInput("with-engine needs a command", hint="python -m workers with-engine -- CMD…")
    settings = Settings()
    if found := host.find(settings):
        say(f"{found.name} answers at {found.url}")
        _announce(found.url)
        _prepare_bootstrap()
        os.execvp(command[0], command)  # noqa: S606 - the operator's own command
    _prepare(settings)
    with OwnEngine(settings, say).running() as url:
        _announce(url)
        return run(command)


def _announce(url: str) -> None:
    os.environ["FARM_ENGINE"] = os.environ["DOCKER_HOST"] = url


def _prepare_bootstrap() -> None:
    """Where no registry answers, base images are bootstrapped: have what that takes, if it can be had."""
    if not program(BOOTSTRAP) and os.geteuid() == 0 and program("apt-get"):
        install((NEEDED[BOOTSTRAP],), say)


def _prepare(settings: Settings) -> None:
    """See to it that this host can run an engine of our own. Raises EngineUnavailable when it can not."""
    if settings.engine:
        host.require(settings)
    lacking = missing() if os.geteuid() == 0 else None
    if lacking is None or (lacking and not program("apt-get")):
        raise EngineUnavailable(
            "no container engine answers, and starting one of our own takes root"
            + (f" and a system with apt: {', '.join(lacking)} must be installed" if lacking else ""),
            hint="start Docker or Podman (systemctl --user start podman.socket), or name an engine elsewhere in DOCKER_HOST "
            "or FARM_ENGINE; or run this as root",
        )
    if lacking:
        install(lacking, say)


def run(command: list[str]) -> int:
    """Run a command to its end, pass on the signals that somebody sends us, and give its exit code.

    A terminal sends its Ctrl-C to the command by itself; only a signal that a process sent is passed on.
    """
    awaited = _FORWARDED | {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    try:
        child = subprocess.Popen(  # noqa: S603 - the operator's own command
            command,
            preexec_fn=lambda: _unblock(before),  # noqa: PLW1509 - there are no threads in this process
        )
        while child.poll() is None:
            came = signal.sigwaitinfo(awaited)
            if came.si_signo in _FORWARDED and came.si_pid:
                child.send_signal(came.si_signo)
    except FileNotFoundError as error:
        raise BadInput(f"no such command: {command[0]}") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _unblock(mask: set[signal.Signals | int]) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
