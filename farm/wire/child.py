"""The build wing as a child process: whoever needs its answer asks a command of it, and never imports it.

It prints one JSON document, the answer or `{"error": …}`, and its progress goes to our standard error.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn, TypeVar

from pydantic import ValidationError

from farm.errors import Failure, FarmError, from_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_A = TypeVar("_A")

_GRACE_S = 20.0


def ask(verb: str, words: Sequence[str], parse: Callable[[bytes], _A], *, quiet: bool) -> _A:
    """The answer of `python -m workers VERB WORDS`, as `parse` reads it; `quiet` shows no progress. Raises its FarmError."""
    argv = [sys.executable, "-m", "workers", verb, *words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None) as child:  # noqa: S603 - ours
        try:
            said, _ = child.communicate()
        except KeyboardInterrupt:
            child.wait(timeout=_GRACE_S)  # it was interrupted too, and takes its boxes away
            raise
    return read(said, child.returncode, parse, verb)


def read(said: bytes, exit_code: int, parse: Callable[[bytes], _A], verb: str) -> _A:
    """What a child printed. Raises the FarmError that it met."""
    try:
        return parse(said) if exit_code == 0 else _raise(said)
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise FarmError(
            f"the process of 'workers {verb}' ended with exit code {exit_code} and no outcome",
            hint="run it again without --json to see what it printed",
        ) from error


def _raise(said: bytes) -> NoReturn:
    raise from_failure(Failure(**json.loads(said)["error"]))
