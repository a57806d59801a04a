"""A second verifier: what a builder staged is verified once more, on the publisher's host, before it is published.

The build wing does it with that host's engine, as a child process. `asked` is what `farm verify` runs, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.errors import DISK_FULL, EngineUnavailable, FarmError, NoRoomHere, VerificationFailed
from farm.wire import child
from farm.wire.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def asked(archive: Path, *, quiet: bool, options: Sequence[str] = ()) -> Verification:
    """The outcome of verifying an archive on this host. Raises FarmError."""
    return child.ask("verify", [*options, "--", str(archive)], Verification.model_validate_json, quiet=quiet)


def agree(archive: Path) -> None:
    """Return when this host sees no error in the archive either.

    Raises VerificationFailed when it sees one, EngineUnavailable or NoRoomHere when it cannot look: then nothing is said
    against the cell.
    """
    try:
        outcome = asked(archive, quiet=True)
    except FarmError as error:  # what is wrong with the archive are findings
        kind = NoRoomHere if DISK_FULL in error.message else EngineUnavailable
        raise kind(f"the second verifier cannot look: {error.message}", hint=error.hint) from error
    if outcome.skipped:
        raise EngineUnavailable(
            f"the second verifier could not run {len(outcome.skipped)} checks: {outcome.skipped[0].skipped}",
            hint="give the publisher's host a container engine, or take FARM_SECOND_VERIFIER away",
        )
    if outcome.objection:
        raise VerificationFailed(
            f"the second verifier does not agree with the builder: {outcome.objection}",
            hint="the archive is kept in staging; look at the builder's host",
        )
