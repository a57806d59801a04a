"""What verifying an archive gave, as it crosses from the build wing to whoever asked."""

from __future__ import annotations

from typing import Literal

from farm.store.artifact import Finding
from farm.wire.messages import Message

Where = Literal["archive", "runtime", "builder"]


class Checked(Message):
    """One check that was run, or why it was not. `seconds` is wall time; `applies`: whether it makes sense for this Python."""

    check: str
    proves: str
    where: Where
    seconds: float = 0.0
    skipped: str = ""
    applies: bool = True


class Verification(Message):
    """All checks of one archive, in the order they ran, and everything that they saw."""

    cell: str
    archive: str
    checks: tuple[Checked, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a publication."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def skipped(self) -> tuple[Checked, ...]:
        """The checks that should have run and could not."""
        return tuple(check for check in self.checks if check.skipped and check.applies)

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time of every check that ran."""
        return {check.check: check.seconds for check in self.checks if not check.skipped}
