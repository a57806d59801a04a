"""What was built for the interpreter works in a program that embeds it, too: there libpython has the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.embedding import compiled
from workers.verify.extending import judge
from workers.verify.facts import Built
from workers.verify.findings import error, quoted
from workers.verify.probe import SCRATCH, ask, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_ANSWER = "42"


def look(subject: Subject) -> Iterator[Finding]:
    """The very file that the interpreter could import, built as setuptools does it."""
    python, folder = f"{subject.builder_root}/bin/{subject.build.executable}", f"{SCRATCH}/extension to embed"
    built = ask(subject.in_builder, [python, script("extension.py"), script("extension.c"), folder], Built)
    yield from judge(built, "a C extension")
    if built.error:
        return
    host = compiled(subject, "host.c", "extension host")
    done = run(subject.in_builder, [host, script("embedded_extension.py")], env={"FARM_EXTENSION": folder})
    if not done.ok or done.output.split()[-1:] != [_ANSWER]:
        yield error(
            f"a C extension that the interpreter imports does not work embedded (exit {done.exit_code}): {quoted(done.output)}",
            hint="does libpython export what the executable does? see dual.symbols",
        )
