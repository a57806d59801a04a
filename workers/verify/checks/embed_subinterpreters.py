"""Two sub-interpreters are alive at once in a program that embeds it, and do not see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.embedding import compiled
from workers.verify.findings import error, quoted
from workers.verify.probe import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Each imports modules that hold state, and says where it found its library."""
    done = run(subject.in_builder, [compiled(subject, "subinterpreters.c", "subinterpreters")])
    places = [line.removeprefix("sub prefix=") for line in done.output.splitlines() if line.startswith("sub prefix=")]
    if not done.ok:
        yield error(
            f"sub-interpreters fail (exit {done.exit_code}): {quoted(done.output)}",
            hint="see symbols.api; then import the modules of probes/subinterpreters.c one by one",
        )
    elif places != [subject.builder_root] * 2:
        yield error(
            f"their prefix is {' and '.join(places) or 'not said'}, and not {subject.builder_root}",
            hint="libpython finds it from its own place: see the patches embed-prefix-*",
        )
