"""`python -m workers base DISTRO`: the pristine base image of a distro in this host's engine, as cells are built on it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from farm.errors import EXIT_OK, BadInput
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.wire.queue import host_arch
from workers.build.base import ensure_base
from workers.build.image import release_of
from workers.engine.docker import DockerEngine
from workers.engine.host import require

if TYPE_CHECKING:
    from collections.abc import Sequence


def base(arguments: Sequence[str]) -> int:
    """Make or find the image, and print its name alone on standard output. Raises FarmError."""
    parser = argparse.ArgumentParser(prog="python -m workers base", description="Have a distro's base image in the engine.")
    parser.add_argument("distro", help="as in matrix.yaml, e.g. debian13")
    wanted = parser.parse_args(arguments).distro
    settings = Settings()
    distros = load_facts(settings.facts).distros
    if wanted not in distros:
        raise BadInput(f"no distro is called {wanted}", hint=f"known are: {', '.join(sorted(distros))}")
    engine = DockerEngine(require(settings).url)
    try:
        found = ensure_base(
            release_of(distros[wanted]),
            host_arch(),
            engine,
            settings,
            lambda line: print(line, file=sys.stderr),  # noqa: T201
        )
    finally:
        engine.close()
    print(found.name)  # noqa: T201 - the answer
    return EXIT_OK
