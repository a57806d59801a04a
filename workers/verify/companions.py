"""The other archives of a build: what lies beside an `install_only`, under the same name but for the kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farm.plan.recipe import PACKS, staged_name

if TYPE_CHECKING:
    from pathlib import Path

    from farm.plan.recipe import ArchiveKind

MAIN: ArchiveKind = "install_only"
_MAIN_NAME = re.compile(rf"(?P<stem>.*){MAIN}\.tar\.(?:gz|zst)$")


def beside(archive: Path) -> dict[ArchiveKind, Path]:
    """The other kinds that are there: staged ones beside a staged archive, published ones beside a published archive."""
    named = _MAIN_NAME.match(archive.name)
    if not named:
        return {}
    paths = {kind: archive.with_name(named["stem"] + staged_name(kind, form)) for kind, form in PACKS if kind != MAIN}
    return {kind: path for kind, path in paths.items() if path.is_file()}
