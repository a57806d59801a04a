"""How much an archive grew since the build before it, and by which files: more than a twentieth is a warning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.store.artifact import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECK = "size.budget"
_BUDGET = 0.05
_SHOWN = 5


@dataclass(frozen=True)
class Sizes:
    """Bytes of an archive: packed, and of each file in it by its path below python/."""

    packed: int
    files: Mapping[str, int]


def grown(before: Sizes, now: Sizes) -> Iterator[Finding]:
    """A warning for each way of counting in which it grew by more than the budget, with the files that grew most."""
    counts = (
        ("packed", before.packed, now.packed),
        ("unpacked", sum(before.files.values()), sum(now.files.values())),
    )
    for how, old, new in counts:
        if new > old * (1 + _BUDGET):
            message = f"{how} it has grown by {(new - old) / max(old, 1):.0%}, from {old} to {new} bytes"
            yield Finding(
                check=CHECK, severity="warning", message=message, hint=f"most of it: {_most(before.files, now.files)}"
            )


def _most(before: Mapping[str, int], now: Mapping[str, int]) -> str:
    growth = {name: size - before.get(name, 0) for name, size in now.items() if size > before.get(name, 0)}
    most = sorted(growth, key=lambda name: (-growth[name], name))[:_SHOWN]
    return ", ".join(f"{name} +{growth[name]}" for name in most) or "no file alone"
