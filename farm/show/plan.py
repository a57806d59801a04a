"""A plan for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from farm.plan.fate import FATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farm.plan.cell import Cell
    from farm.plan.fate import Plan, Planned

_COUNTED = {"build": "to build", "stale": "stale", "published": "published", "impossible": "impossible"}


def lines(plan: Plan, changes: Mapping[Cell, Sequence[str]]) -> Iterator[str]:
    """The plan as text: every cell with its fate and why, then the summary. `changes` has what made cells stale."""
    width = max(len(str(planned.cell)) for planned in plan.cells)
    for planned in plan.cells:
        options = planned.options
        how = f"{options.optimize} {options.channel}"
        yield f"{planned.cell!s:{width}}  {planned.fate:10}  {how:14}  {planned.reason}".rstrip()
        for change in changes.get(planned.cell, ()):
            yield f"{'':{width}}    {change}"
    yield ""
    yield from summary(plan)


def summary(plan: Plan) -> Iterator[str]:
    """Counts, order, estimates and notes: what is said before anything starts."""
    counted = ", ".join(f"{plan.counts[fate]} {_COUNTED[fate]}" for fate in FATES if plan.counts[fate])
    yield f"{len(plan.cells)} {'cell' if len(plan.cells) == 1 else 'cells'}: {counted}"
    if plan.order:
        yield f"order: {', '.join(_groups(plan))}"
        yield (
            f"estimates: {duration(plan.seconds)} on two cores, {size(plan.disk_mb)} of disk for each cell built at once, "
            f"{size(plan.store_mb)} more in the store"
        )
    for note in plan.notes:
        yield f"note: {note}"


def data(plan: Plan, changes: Mapping[Cell, Sequence[str]]) -> dict[str, Any]:
    """The plan as JSON-able data."""
    return {
        "counts": plan.counts,
        "estimates": {"seconds": plan.seconds, "disk_mb": plan.disk_mb, "store_mb": plan.store_mb},
        "order": [str(planned.cell) for planned in plan.order],
        "notes": list(plan.notes),
        "cells": [_cell(planned, changes.get(planned.cell, ())) for planned in plan.cells],
    }


def _cell(planned: Planned, changes: Sequence[str]) -> dict[str, Any]:
    return {
        "cell": str(planned.cell),
        "fate": planned.fate,
        "reason": planned.reason,
        "changes": list(changes),
        "optimize": planned.options.optimize,
        "channel": planned.options.channel,
        "recipe": planned.recipe.digest if planned.recipe else None,
        "newest_build": planned.newest.build_id if planned.newest else None,
        "seconds": planned.seconds,
    }


def _groups(plan: Plan) -> Iterator[str]:
    """'debian13-amd64 (7 cells, 3 h 18 min)' for each platform, in the order they are built."""
    groups: dict[str, list[int]] = {}
    for planned in plan.order:
        groups.setdefault(f"{planned.cell.distro}-{planned.cell.arch}", []).append(planned.seconds)
    for name, seconds in groups.items():
        yield f"{name} ({len(seconds)} {'cell' if len(seconds) == 1 else 'cells'}, {duration(sum(seconds))})"


def duration(seconds: int) -> str:
    """'5 min', '3 h 18 min': estimates are not more exact."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - minutes


def size(megabytes: int) -> str:
    """'170 MB', '2.2 GB'."""
    return f"{megabytes} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"  # noqa: PLR2004 - metric
