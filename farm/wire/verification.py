"""What verifying an archive gave, as it crosses from the build wing to whoever asked."""

from __future__ import annotations

from typing import Literal

from farm.store.artifact import Finding
from farm.wire.messages import Message

_SHOWN = 3

Where = Literal["archive", "runtime", "builder"]
Depth = Literal["standard", "full"]


class Checked(Message):
    """One check that was run, or why it was not: `skipped` for want of a box, `without` for want of what it is about.

    `seconds` is wall time.
    """

    check: str
    proves: str
    where: Where
    seconds: float = 0.0
    skipped: str = ""
    without: str = ""


class Verification(Message):
    """All checks of one archive, in the order they ran, and everything that they saw.

    `optimize` is what the build was optimised with; '' for Pythons of others, and in outcomes of early days.
    """

    cell: str
    archive: str
    optimize: str = ""
    checks: tuple[Checked, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a publication."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def objection(self) -> str:
        """What stops a publication, in a sentence: how many checks found an error, and the first ones."""
        errors = self.errors
        seen = "; ".join(f"{finding.check}: {finding.file or 'the archive'}: {finding.message}" for finding in errors[:_SHOWN])
        return f"{len(errors)} check(s) found an error: {seen}" if errors else ""

    @property
    def passed(self) -> tuple[str, ...]:
        """The checks that ran and saw no error."""
        failed = {finding.check for finding in self.errors}
        return tuple(check for check in self.seconds if check not in failed)

    @property
    def without(self) -> tuple[str, ...]:
        """The checks that found nothing to look at."""
        return tuple(check.check for check in self.checks if check.without)

    @property
    def skipped(self) -> tuple[Checked, ...]:
        """The checks that could not run, though they should have."""
        return tuple(check for check in self.checks if check.skipped)

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time of every check that ran."""
        return {check.check: check.seconds for check in self.checks if not check.skipped and not check.without}
