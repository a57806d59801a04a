"""`python -m workers VERB`: what runs on a build host. A verb's module is imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from farm.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, FarmError

if TYPE_CHECKING:
    from collections.abc import Sequence

# verb: (module, function that takes the arguments and gives the exit code)
VERBS: dict[str, tuple[str, str]] = {
    "worker": ("workers.app", "serve"),
    "base": ("workers.build.command", "base"),
    "doctor": ("workers.doctor", "doctor"),
    "engine-probe": ("workers.engine.command", "engine_probe"),
    "sweep": ("workers.engine.command", "sweep"),
    "audit": ("workers.yardstick.command", "audit"),
    "pins": ("workers.pins.command", "pins"),
    "emulate": ("workers.engine.emulation", "emulate"),
    "verify": ("workers.verify.command", "verify"),
    "reproduce": ("workers.reproduce", "reproduce"),
    "with-engine": ("workers.engine.command", "with_engine"),
}


def main(arguments: Sequence[str]) -> int:
    """Run a verb; gives its exit code. Every failure is one message on standard error."""
    verb, *rest = arguments or ("",)
    if verb not in VERBS:
        sys.stderr.write(f"usage: python -m workers {{{','.join(VERBS)}}} …\n")
        return EXIT_BAD_INPUT
    module, function = VERBS[verb]
    try:
        return int(getattr(importlib.import_module(module), function)(rest))
    except FarmError as error:
        sys.stderr.write(error.told)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
