"""Whether this host has room for what a cell puts into the folder for temporary files."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farm.settings import Settings

_MIB, _GIB = 1 << 20, 1 << 30


def lacking(settings: Settings) -> str:
    """Why there is no room for another cell: its tree, its archives, the copy that is verified; '' when there is."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free >= settings.room_gb * _GIB:
        return ""
    return (
        f"only {free // _MIB} MiB are free in {folder}, and FARM_ROOM_GB asks for {settings.room_gb:g} GiB: make room there, "
        "or set TMPDIR"
    )
