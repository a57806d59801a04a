"""Whether this host has room for what a cell puts into the folder for temporary files."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farm.settings import Settings

_MIB, _GIB = 1 << 20, 1 << 30


def lacking(settings: Settings) -> str:
    """Why there is no room for another cell: its tree, its archives, the copy that is verified; '' when there is.

    What changes from moment to moment is in the second line: who shows the first one shows it once.
    """
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free >= settings.room_gb * _GIB:
        return ""
    return (
        f"less than the {settings.room_gb:g} GiB that FARM_ROOM_GB asks for are free in {folder}: make room there, "
        f"or set TMPDIR\n({free // _MIB} MiB are free now)"
    )
