"""What a verification saw, as an operator reads it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from farm.wire.verification import Checked, Verification

PLACES = {"archive": "in the archive", "runtime": "run in the pristine image", "builder": "built in the builder image"}


def lines(outcome: Verification) -> Iterator[str]:
    """The report: every check in one line, what it saw below it, and the verdict."""
    yield f"{outcome.archive} ({subject(outcome)})"
    for where, checks in groupby(outcome.checks, key=lambda check: check.where):
        yield f"\n{PLACES[where]}:"
        for check in checks:
            found = [finding for finding in outcome.findings if finding.check == check.check]
            yield _line(check, found)
            for finding in found:
                yield from _told(finding)
    yield ""
    yield verdict(outcome)


def subject(outcome: Verification) -> str:
    """What was verified: the cell, and what it was optimised with if that is told."""
    return f"{outcome.cell}, optimize {outcome.optimize}" if outcome.optimize else outcome.cell


def verdict(outcome: Verification) -> str:
    """One sentence: what was found, how long it took, what could not be looked at."""
    errors, others = len(outcome.errors), len(outcome.findings) - len(outcome.errors)
    ran = len(outcome.seconds)
    said = f"{errors} error(s) and {others} other finding(s)" if outcome.findings else "nothing wrong"
    skipped = f"; {len(outcome.skipped)} check(s) were skipped: {outcome.skipped[0].skipped}" if outcome.skipped else ""
    return f"{said} in {ran} check(s), {sum(outcome.seconds.values()):.0f} s{skipped}"


def _line(check: Checked, found: list[Finding]) -> str:
    if check.skipped:
        return f"  skipped  {check.check:<24} {check.proves}: {check.skipped}"
    if check.without:
        return f"  -        {check.check:<24} {check.proves}: {check.without}"
    worst = next((severity for severity in ("error", "warning", "note") if any(f.severity == severity for f in found)), "ok")
    return f"  {worst:<8} {check.check:<24} {check.proves} ({check.seconds:.1f} s)"


def _told(finding: Finding) -> Iterator[str]:
    where = f"{finding.file}: " if finding.file else ""
    yield f"             {finding.severity}: {where}{finding.message}"
    if finding.hint:
        yield f"               hint: {finding.hint}"
