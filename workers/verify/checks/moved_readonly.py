"""It works where its tree is mounted read-only, as containers and appliances have it, and complains of nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers.verify.checks.modules_import import excused
from workers.verify.facts import Imports
from workers.verify.findings import error, quoted
from workers.verify.probe import ProbeFailed, ask, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_SEALED = {"HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108 - inside the box, where nothing else can be written
_PIP = ["-m", "pip", "--version"]


def look(subject: Subject) -> Iterator[Finding]:
    """Nobody, root neither, can write there; every module imports, and pip runs."""
    box = subject.twin("sealed")
    written = run(box, ["touch", f"{subject.root}/written"], env=_SEALED, user="0:0")
    if written.ok or "Read-only" not in written.output:
        raise ProbeFailed(f"the mount is not read-only: {quoted(written.output) or 'root could write'}")
    names = json.dumps(list(subject.build.modules.stdlib))
    imports = ask(box, [subject.python, script("imports.py"), names], Imports, env=_SEALED)
    for name, failure in sorted(imports.failures.items()):
        if not excused(name, failure, subject):
            yield error(
                f"on a read-only mount module {name} does not import: {failure.message}",
                hint="see modules.import; what imports elsewhere writes beside itself here",
            )
    done = run(box, [subject.python, *_PIP], env=_SEALED)
    if not done.ok or len(done.output.strip().splitlines()) != 1:
        yield error(
            f"on a read-only mount `python {' '.join(_PIP)}` says: {quoted(done.output)}",
            hint="nothing may be written into the tree at run time: bytecode and caches belong elsewhere",
        )
