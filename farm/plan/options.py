"""What may be chosen for a cell beyond what it is: optimisation, bytecode, what happens to debug information, channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from farm.plan.recipe import Bytecode, Optimize, Strip

Channel = Literal["stable", "testing", "dev"]

OPTIMIZE: tuple[str, ...] = get_args(Optimize)
BYTECODE: tuple[str, ...] = get_args(Bytecode)
STRIP: tuple[str, ...] = get_args(Strip)
CHANNELS: tuple[str, ...] = get_args(Channel)


@dataclass(frozen=True)
class Options:
    """The choices for one cell. `bytecode` None takes what the facts say for its series."""

    optimize: Optimize = "pgo+lto"
    bytecode: Bytecode | None = None
    strip: Strip = "split"
    channel: Channel = "stable"
