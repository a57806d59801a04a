"""Patches of a recipe as what is applied and what is told about them."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING

from farm.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from farm.plan.recipe import Patch


def patch_texts(patches: Iterable[Patch], overlay: Path | None) -> dict[str, bytes]:
    """Every patch's bytes by its place in the order they are applied, e.g. '01-embed-prefix-3.12.patch'.

    Ours lie in `farm/data/patches`, an operator's in `patches` of the facts folder. Raises BadInput when one is not there or is
    not the one that the recipe names.
    """
    return {f"{number:02}-{patch.file}": _text(patch, overlay) for number, patch in enumerate(patches, 1)}


def _text(patch: Patch, overlay: Path | None) -> bytes:
    theirs = overlay / "patches" / patch.file if overlay else None
    ours = resources.files("farm.data").joinpath("patches", patch.file)
    if theirs and theirs.is_file():
        data = theirs.read_bytes()
    elif ours.is_file():
        data = ours.read_bytes()
    else:
        raise BadInput(f"there is no patch {patch.file}", hint="put it into 'patches' of your facts folder (FARM_FACTS)")
    if (found := hashlib.sha256(data).hexdigest()) != patch.sha256:
        raise BadInput(
            f"the patch {patch.file} has sha256 {found}, the recipe wants {patch.sha256}",
            hint="correct its row in patches.toml; scheduler and workers must have the same facts folder",
        )
    return data
