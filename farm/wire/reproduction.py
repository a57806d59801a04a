"""What building a published artifact again gave, as it crosses from the build wing to whoever asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from farm.plan.options import Options
from farm.plan.recipe import ArchiveKind, Inputs
from farm.wire.messages import Message

if TYPE_CHECKING:
    from farm.plan.recipe import Bytecode, Optimize
    from farm.store.artifact import Artifact


class FileDifference(Message):
    """A file that is not the same in both, or only in one of them; `machine_code` is what a compiler made."""

    kind: ArchiveKind
    path: str
    said: str
    machine_code: bool = False


class Reproduction(Message):
    """A published build and the one that was made after it.

    `recipe` and `inputs` are those of the second one; `same` are the kinds of archives whose bytes agree. `kept` is the folder
    where both lie, with diffoscope's output if it is installed.
    """

    cell: str
    build_id: str
    recipe: str
    inputs: Inputs
    same: tuple[ArchiveKind, ...] = ()
    files: tuple[FileDifference, ...] = ()
    kept: str = ""


def options_of(artifact: Artifact) -> Options:
    """The choices that a published build was made with."""
    split = any(archive.kind == "debugsymbols" for archive in artifact.archives)
    return Options(
        optimize=cast("Optimize", artifact.build.optimize),
        bytecode=cast("Bytecode", artifact.build.bytecode),
        strip="split" if split else "keep",
    )
