"""A second verifier: what a builder staged is verified once more, on the publisher's host, before it is published.

The build wing does it with that host's engine, as a child process. `asked` is what `farm verify` runs, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

from pydantic import ValidationError

from farm.errors import EngineUnavailable, Failure, FarmError, VerificationFailed, from_failure
from farm.wire.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_GRACE_S = 20.0


def asked(archive: Path, *, quiet: bool, options: Sequence[str] = ()) -> Verification:
    """The outcome from the build wing, which runs as a child; its progress goes to our standard error. Raises FarmError."""
    argv = [sys.executable, "-m", "workers", "verify", *options, "--", str(archive)]
    stderr = subprocess.DEVNULL if quiet else None
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=stderr) as child:  # noqa: S603 - a command of ours
        try:
            said, _ = child.communicate()
        except KeyboardInterrupt:
            child.wait(timeout=_GRACE_S)  # it was interrupted too, and takes its boxes away
            raise
    return read_outcome(said, child.returncode)


def read_outcome(said: bytes, exit_code: int) -> Verification:
    """What the child printed. Raises the FarmError that it met."""
    try:
        return Verification.model_validate_json(said) if exit_code == 0 else _raise(said)
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        hint = "run it again without --json to see what it printed"
        raise FarmError(f"the verifying process ended with exit code {exit_code} and no outcome", hint=hint) from error


def _raise(said: bytes) -> NoReturn:
    raise from_failure(Failure(**json.loads(said)["error"]))


def agree(archive: Path) -> None:
    """Return when this host sees no error in the archive either.

    Raises VerificationFailed when it sees one, EngineUnavailable when it cannot look: then nothing is said against the cell.
    """
    outcome = asked(archive, quiet=True)
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
