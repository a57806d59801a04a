"""The archive did not grow by more than a twentieth since the build before, packed or unpacked; else by which files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import warning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_BUDGET = 0.05
_SHOWN = 5


def look(subject: Subject) -> Iterator[Finding]:
    """Bytes of this archive against those of the build before it."""
    before, now = _sizes(subject.before.tree), _sizes(subject.tree)
    sizes = (
        ("packed", subject.before.archive.stat().st_size, subject.archive.stat().st_size),
        ("unpacked", sum(before.values()), sum(now.values())),
    )
    for how, old, new in sizes:
        if new > old * (1 + _BUDGET):
            message = f"{how} it has grown by {(new - old) / max(old, 1):.0%}, from {old} to {new} bytes"
            yield warning(message, hint=f"most of it: {_grown(before, now)}")


def _sizes(tree: Path) -> dict[str, int]:
    files = (path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(tree).as_posix(): path.stat().st_size for path in files}


def _grown(before: dict[str, int], now: dict[str, int]) -> str:
    """The files that grew most, and by how many bytes."""
    growth = {name: size - before.get(name, 0) for name, size in now.items() if size > before.get(name, 0)}
    most = sorted(growth, key=lambda name: (-growth[name], name))[:_SHOWN]
    return ", ".join(f"{name} +{growth[name]}" for name in most) or "no file alone"
