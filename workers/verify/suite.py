"""Reading what CPython's own test suite prints, and comparing it with the rows of `suite.toml`. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, RootModel

from farm.plan.scope import Numbers, Scope
from workers.verify.expected import homes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# "FAIL: test_a (test.test_b.Class.test_a) (i=1)" since 3.11, "(test.test_b.Class)" before, "UNEXPECTED SUCCESS: …" as well.
_HEADING = re.compile(r"^(?:FAIL|ERROR|UNEXPECTED SUCCESS): (?P<name>\S+) \((?P<where>[\w.<>]+)\)")
# "0:00:01 load avg: 1.00 [ 3/480/1] test_x failed (1 error)"; 2.7 has no load average.
_RESULT = re.compile(
    r"^(?:\d+:\d\d:\d\d )?(?:load avg: [\d.]+ )?\[ *\d+/\d+(?:/\d+)?\] (?P<module>[\w.]+)"
    r"(?: (?P<word>passed|failed|skipped|crashed|timed out|worker non-exit code|run no tests|no tests ran))?"
)
# "Re-running 2 failed tests in verbose mode in subprocesses"; before 3.12 without a number.
_AGAIN = re.compile(r"^Re-running (?:\d+ )?failed tests in verbose mode")
# The last line of a traceback: "AssertionError: 1 != 2", "test.support.TestFailed: …".
_RAISED = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Failed|Warning|Exit|Interrupt|Expired|Timeout)\b")
# "test_x skipped -- no display", "test test_x failed -- Traceback …": all that 2.7 says.
_VERDICT = re.compile(r"^(?:test )?(?P<module>test[\w.]*) (?P<word>skipped|failed|crashed)\b")


class ExpectedRow(Scope):
    """Tests that fail, and why it is not for us to mend; the row's key is a test id, a glob such as `test_gdb.*`.

    `sometimes`: it does not fail on every machine, so that its passing is no surprise.
    """

    sometimes: bool = False
    why: Annotated[str, Field(min_length=1)]
    link: Annotated[str, Field(pattern=r"^https://")]


class _Rows(RootModel[dict[str, ExpectedRow]]):
    """The file."""


@dataclass(frozen=True)
class Outcome:
    """What a run of the suite said: modules that ran, modules that were skipped, and ids of tests that failed.

    A module that failed without naming a test is the id `module.*`. `raised` is the last line of a failure's traceback. `flaky`
    are those that failed, and passed when they were run again alone.
    """

    ran: frozenset[str]
    skipped: frozenset[str]
    failed: frozenset[str]
    raised: Mapping[str, str] = field(default_factory=dict)
    flaky: frozenset[str] = frozenset()


@cache
def _rows() -> dict[str, ExpectedRow]:
    text = (resources.files("workers.verify") / "suite.toml").read_text("utf-8")
    return _Rows.model_validate(tomllib.loads(text)).root


def expected(version: Numbers, distro: str, variant: str) -> dict[str, ExpectedRow]:
    """The rows that hold for a Python."""
    return {
        name: row
        for name, row in _rows().items()
        if row.spans(version) and (not row.distros or distro in row.distros) and (not row.variants or variant in row.variants)
    }


def read(lines: Iterable[str], *, whole: bool = True) -> Outcome:
    """The outcome that the output of regrtest tells, of 2.7 and later.

    What failed was run once more, alone: a test that passes then is flaky, unless the suite ended before (not `whole`).
    """
    lines = list(lines)
    again = next((at for at, line in enumerate(lines) if _AGAIN.match(line)), len(lines))
    first, second = _read(lines[:again]), _read(lines[again:])
    counted = second.failed if whole and again < len(lines) else first.failed | second.failed
    flaky = frozenset(name for name in first.failed - counted if not _within(name, counted))
    raised = {name: text for name, text in {**first.raised, **second.raised}.items() if name in counted}
    return Outcome(first.ran | second.ran, first.skipped - second.ran, counted, raised, flaky)


def _within(name: str, failed: Iterable[str]) -> bool:
    """Whether a failure is of the same module as one of others, where one of both says no more than the module."""
    pairs = [pair for other in failed for pair in ((name, other), (other, name))]
    return any(whole.endswith(".*") and one.startswith(whole[:-1]) for whole, one in pairs)


def _read(lines: Sequence[str]) -> Outcome:
    words: dict[str, str] = {}
    raised: dict[str, str] = {}
    failing = ""
    for line in lines:
        if heading := _HEADING.match(line):
            failing = _id(heading["name"], heading["where"])
            raised.setdefault(failing, "")
        elif result := _RESULT.match(line) or _VERDICT.match(line):
            module = _short(result["module"])
            words[module] = result["word"] or words.get(module, "passed")
            failing = ""
        elif failing and (line.startswith("=") or (raised[failing] and not line.strip())):
            failing = ""
        elif failing and _RAISED.match(line):
            raised[failing] = line.strip()
    skipped = {module for module, word in words.items() if word == "skipped"}
    broken = {module for module, word in words.items() if word not in ("passed", "skipped", "run no tests", "no tests ran")}
    silent = {module for module in broken if not any(name.startswith(_prefixes(module)) for name in raised)}
    failed = frozenset(raised) | {f"{module}.*" for module in silent}
    return Outcome(
        frozenset(words) - skipped, frozenset(skipped), failed, {name: text for name, text in raised.items() if text}
    )


def new_failures(outcome: Outcome, rows: Iterable[str]) -> list[str]:
    """Tests that failed and that no row expects."""
    patterns = list(rows)
    return sorted(name for name in outcome.failed if not any(fnmatchcase(name, pattern) for pattern in patterns))


def unexpected_passes(outcome: Outcome, rows: dict[str, ExpectedRow]) -> list[str]:
    """Rows none of whose tests failed, though the module that has them ran."""
    return sorted(
        pattern
        for pattern, row in rows.items()
        if not row.sometimes
        and any(pattern.startswith(_prefixes(module)) for module in outcome.ran)
        and not any(fnmatchcase(name, pattern) for name in outcome.failed)
    )


def _prefixes(module: str) -> tuple[str, ...]:
    """How ids of tests of a module begin."""
    return tuple(filter(None, (f"{module}.", homes().get(module))))


def _id(name: str, where: str) -> str:
    where = _short(where)
    return where if where.endswith(f".{name}") else f"{where}.{name}"


def _short(name: str) -> str:
    return name.removeprefix("test.")
