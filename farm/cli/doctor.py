"""`farm doctor`: all that a host needs, looked at, and what to do about each thing that is not as it should be."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from farm.dispatch import doctor as look
from farm.errors import EXIT_ENVIRONMENT, EXIT_OK
from farm.settings import Settings
from farm.wire.health import HEALTHS, wrong

if TYPE_CHECKING:
    from farm.wire.health import Health

BUILD_HOST = (sys.executable, "-m", "workers", "doctor")
_BUILD_HOST_S = 600
_MARKS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "error": ("ERROR", "red"), "skipped": ("skipped", None)}


@click.command()
@click.option(
    "--role",
    type=click.Choice(["all", "trusted", "builder"]),
    default="all",
    show_default=True,
    help="What this host is to do: drive and publish (trusted), build, or both.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, role: str, as_json: bool) -> None:
    """Check engine and isolation, disk, memory, emulation, Redis, store, clocks and keys of this host.

    Exit codes: 0 nothing is wrong (warnings may be); 4 something is.
    """
    settings = Settings()
    found: list[Health] = []
    if role == "builder":
        found += look.broker_of_builder(settings, time.time)
    else:
        found += look.checks(settings)
    if role != "trusted":
        found += build_host(settings)
    if as_json:
        click.echo(json.dumps([health.model_dump() for health in found], indent=2))
    else:
        for health in found:
            mark, colour = _MARKS[health.grade]
            click.echo(f"{click.style(f'{mark:8}', fg=colour)} {health.check}: {health.seen}")
            if health.todo:
                click.echo(f"         do: {health.todo}")
    sys.exit(EXIT_ENVIRONMENT if any(health.grade == "error" for health in found) else EXIT_OK)


def build_host(settings: Settings) -> list[Health]:
    """What the build wing says of this host; a process of its own, as containers are its business alone."""
    environment = settings.child_environment()
    try:
        done = subprocess.run(  # noqa: S603 - a command of ours
            BUILD_HOST, env=environment, capture_output=True, text=True, timeout=_BUILD_HOST_S, check=False
        )
        return HEALTHS.validate_json(done.stdout)
    except subprocess.TimeoutExpired:
        return [wrong("build host", f"its checks did not end within {_BUILD_HOST_S} s", "is the engine overloaded? restart it")]
    except ValidationError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return [wrong("build host", f"its checks failed: {last}", f"run them by hand: {' '.join(BUILD_HOST)}")]
