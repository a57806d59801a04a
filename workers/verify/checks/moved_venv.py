"""`venv`, `venv --copies` and an offline pip install in each work after moving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Environments
from workers.verify.findings import error
from workers.verify.probe import SCRATCH, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Made, started, a wheel installed, imported, its script run; each without libpython in the process."""
    wheels = "/work/wheels"
    found = ask(subject.in_runtime, [subject.python, script("environments.py"), SCRATCH, wheels], Environments)
    if not found.results:
        yield error("no environment was tried", hint="see probes/environments.py: its answer names none")
    for name, environment in found.results.items():
        if environment.error:
            yield error(
                f"`{name}` fails at the step '{environment.step}': {environment.error}",
                hint="run the step by hand in the moved tree; a copied interpreter must find its library by pyvenv.cfg",
            )
