"""`python -m workers audit DISTRO [VERSION]`: ask the distro's own Python, and print what it told as one JSON document."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from farm.errors import EXIT_OK, BadInput, FarmError
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.yardstick import choose
from farm.settings import Settings
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.yardstick.observe import Auditor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.plan.facts import Facts
    from farm.wire.yardstick import Yardstick


def audit(arguments: Sequence[str]) -> int:
    """Audit the distro named in the arguments; progress goes to standard error.

    Prints the Yardstick and gives 0; or prints {"error": Failure} and gives that error's exit code.
    """
    try:
        told = _observed(arguments, Settings())
    except FarmError as error:
        sys.stdout.write(json.dumps({"error": asdict(error.failure("audit"))}) + "\n")
        return error.exit_code
    sys.stdout.write(told.model_dump_json(indent=1) + "\n")
    return EXIT_OK


def _observed(arguments: Sequence[str], settings: Settings) -> Yardstick:
    distro, *version = arguments
    facts = load_facts(settings.facts)
    chosen = choose(facts, distro, version[0] if version else "", _host_arch(facts))
    recipe = compose(chosen.cell, Options(optimize="none"), facts, code="")
    engine = DockerEngine(require(settings).url)
    try:
        return Auditor(facts.distros[distro], chosen.row, engine, settings, _say).observe(recipe)
    finally:
        engine.close()


def _host_arch(facts: Facts) -> str:
    """This host's arch by our name: a container of it runs without emulation."""
    machine = platform.machine()
    for name, row in facts.arches.items():
        if row.cpu == machine:
            return name
    raise BadInput(f"there are no facts for this host's processor, {machine}", hint="audit on another host")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
