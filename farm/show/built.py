"""What was really built, as a page of Markdown: `farm ls --markdown > docs/matrix.md`. Pure: values in, text out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from farm.plan.cell import Cell
from farm.show.published import size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.store.artifact import Artifact

_HEAD = """# Cells that were built

Written by `farm ls --markdown` from the metadata of what is published, never by hand: the newest build of each cell, when
it was published, how long its build and its verification took (minutes and seconds, of one builder with two cores and
whatever else ran on it), and what verification found. Sizes are of `install_only.tar.gz`.

"""
_COLUMNS = ("cell", "published", "build id", "optimize", "OpenSSL", "size", "build", "verify", "findings")


def page(artifacts: Iterable[Artifact]) -> str:
    """The page; of several builds of a cell the one with the highest build id, ordered as distros and versions are."""
    newest: dict[Cell, Artifact] = {}
    for artifact in artifacts:
        cell = Cell.parse(artifact.build.cell)
        if cell not in newest or newest[cell].build_id < artifact.build_id:
            newest[cell] = artifact
    rows = [_COLUMNS, ("---",) * len(_COLUMNS)]
    rows += [_row(newest[cell]) for cell in sorted(newest, key=lambda cell: cell.sort_key)]
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(artifact: Artifact) -> tuple[str, ...]:
    build = artifact.build
    verifying = sum(step.seconds for step in artifact.steps if step.step == "verify")
    building = sum(step.seconds for step in artifact.steps) - verifying
    return (
        build.cell,
        artifact.created[:10],
        artifact.build_id,
        build.optimize,
        build.openssl.removeprefix("OpenSSL ").partition(" ")[0],
        size(artifact.archive("install_only", "tar.gz").size),
        _minutes(building),
        _minutes(verifying),
        _findings(artifact),
    )


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _findings(artifact: Artifact) -> str:
    counts = Counter(finding.severity for finding in artifact.findings)
    return ", ".join(f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in sorted(counts.items())) or "none"
