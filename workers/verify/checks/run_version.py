"""The interpreter starts and is the version that the cell names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error, quoted
from workers.verify.probe import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Its own word for its version."""
    build = subject.build
    done = run(subject.in_runtime, [subject.python, "-c", "import platform; print('I am ' + platform.python_version())"])
    if not done.ok:
        yield error(
            f"it does not start (exit {done.exit_code}): {quoted(done.output)}",
            file=f"bin/{build.executable}",
            hint="see linkage.resolved; 127 is a missing loader, 139 a crash: `python -v` says how far it comes",
        )
    elif f"I am {build.python}" not in done.output.splitlines():
        yield error(
            f"it says '{quoted(done.output)}', the cell says {build.python}",
            file=f"bin/{build.executable}",
            hint="another Python answers, or the archive is of another cell: see archive.metadata",
        )
    elif len(done.output.strip().splitlines()) > 1:
        yield error(
            f"it complains when it starts: {quoted(done.output)}",
            file=f"bin/{build.executable}",
            hint="getpath did not find its landmarks (lib/pythonX.Y/os.py, lib-dynload): see the patches embed-prefix-*",
        )
