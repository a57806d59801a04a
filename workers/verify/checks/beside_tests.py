"""The tests archive fits: unpacked over the moved tree, its extension modules import and a sample of the suite passes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers.verify.expected import sample
from workers.verify.facts import Imports
from workers.verify.findings import error, quoted
from workers.verify.probe import SCRATCH, ProbeFailed, ask, run, script
from workers.verify.unpack import TOP, tar_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_PLACE = f"{SCRATCH}/with tests"


def look(subject: Subject) -> Iterator[Finding]:
    """A copy of the tree, as the other checks must not see the suite."""
    copied = run(subject.in_runtime, ["sh", "-c", 'mkdir -p "$1" && cp -R "$0" "$1"', subject.root, _PLACE])
    if not copied.ok:
        raise ProbeFailed(f"the tree cannot be copied: {quoted(copied.output)}")
    with tar_stream(subject.others["tests"]) as stream:
        subject.in_runtime.put(_PLACE, stream)
    python = f"{_PLACE}/{TOP}/bin/{subject.build.executable}"
    names = json.dumps(["test.regrtest", *subject.build.modules.tests, *(f"test.{name}" for name in sample())])
    imports = ask(subject.in_runtime, [python, script("imports.py"), names], Imports)
    for name, failure in sorted(imports.failures.items()):
        yield error(f"{name} of the tests archive does not import: {failure.message}", hint="see the rows of trim.toml")
    if not imports.failures:
        done = run(subject.in_runtime, [python, "-m", "test.regrtest", *sample()])
        if not done.ok:
            yield error(
                f"the suite's {' '.join(sample())} fail (exit {done.exit_code}): {quoted(done.output)}",
                hint="unpack the tests archive over the tree and run `python -m test -v` with these names",
            )
