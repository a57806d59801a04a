"""The archive did not grow by more than a twentieth since the build before, packed or unpacked; else by which files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.store.growth import Sizes, grown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """Bytes of this archive against those of the build before it, as the publisher compares them, too."""
    yield from grown(_sizes(subject.before.archive, subject.before.tree), _sizes(subject.archive, subject.tree))


def _sizes(archive: Path, tree: Path) -> Sizes:
    files = (path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return Sizes(archive.stat().st_size, {path.relative_to(tree).as_posix(): path.stat().st_size for path in files})
