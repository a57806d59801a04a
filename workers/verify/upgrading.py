"""The build before in the run-time box, and this one installed over or beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.probe import SCRATCH, parcel
from workers.verify.unpack import TOP, tar_stream

if TYPE_CHECKING:
    from pathlib import Path

    from workers.verify.subject import Subject


def install(subject: Subject, archive: Path, name: str) -> str:
    """Unpack an archive in a folder of its own, over what is there, as `tar -x` does; gives where the tree lies."""
    subject.in_runtime.put(SCRATCH, parcel({}, [name]))
    with tar_stream(archive) as stream:
        subject.in_runtime.put(f"{SCRATCH}/{name}", stream)
    return f"{SCRATCH}/{name}/{TOP}"
