"""CPython's own test suite passes on the moved tree, but for what rows expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify import suite
from workers.verify.findings import error, quoted, seen
from workers.verify.probe import SCRATCH, ProbeFailed, run
from workers.verify.unpack import tar_stream
from workers.verify.upgrading import install

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_FOLDER = "suite"  # a plain path: some tests put the interpreter's into shell text
_RESOURCES = "curses,decimal,subprocess"  # no network, no display, no large files, nothing that only burns CPU
_TIMEOUT_S = 5400.0
_LONG = 200  # characters of what a test raised
_FAILED = (1, 2)  # regrtest's codes: tests failed (1 up to 3.7)
_ENDS = (0, *_FAILED, 3)  # 3: a test left its environment altered


def look(subject: Subject) -> Iterator[Finding]:
    """In parallel, each failure once more with its output; what was skipped is counted and told."""
    root = install(subject, subject.archive, _FOLDER)
    with tar_stream(subject.others["tests"]) as stream:
        subject.in_runtime.put(f"{SCRATCH}/{_FOLDER}", stream)
    argv = [f"{root}/bin/{subject.build.executable}", "-m", "test.regrtest", "-j2", "-W", "-w", "-u", _RESOURCES]
    done = run(subject.in_runtime, argv, timeout_s=_TIMEOUT_S, starts_crashers=True)
    ended = done.exit_code in _ENDS
    outcome = suite.read(done.output.splitlines(), whole=ended)
    if not outcome.ran:
        raise ProbeFailed(f"the suite did not run (exit {done.exit_code}): {quoted(done.output)}")
    rows = suite.expected(subject.version, subject.build.distro, subject.build.variant)
    for name in suite.new_failures(outcome, rows):
        why = f": {outcome.raised[name][:_LONG]}" if name in outcome.raised else ""
        yield error(f"{name} of the test suite fails{why}", hint="a defect, or a row for suite.toml with its reason")
    if not ended or (done.exit_code in _FAILED and not outcome.failed):
        yield error(
            f"the test suite ended with code {done.exit_code}, and no test says why: {quoted(done.output)}",
            hint="see the end of the output: a crash of regrtest itself, or a deadline",
        )
    for name in suite.unexpected_passes(outcome, rows):
        yield error(f"{name} of the test suite passes, and a row expects it to fail", hint="limit or remove its row")
    if outcome.flaky:
        yield seen("note", f"{len(outcome.flaky)} tests failed, and passed when they were run again alone{_all(outcome.flaky)}")
    skipped = f"{len(outcome.skipped)} were skipped{_all(outcome.skipped)}"
    yield seen("note", f"{len(outcome.ran)} modules of the test suite ran, {skipped}")


def _all(names: Iterable[str]) -> str:
    return f": {', '.join(sorted(names))}" if names else ""
