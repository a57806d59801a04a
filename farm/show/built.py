"""What was really built, as a page of Markdown: `farm ls --markdown --into docs/matrix.md`. Pure: values in, text out."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from farm.plan.cell import Cell
from farm.show.published import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.store.artifact import Artifact

_HEAD = """# Cells that were built

Written by `farm ls --markdown` from the metadata of what is published, never by hand: the newest build of each cell and
optimisation, when it was published, how long its build and its verification took (minutes and seconds, of one builder with
two cores and whatever else ran on it), and what verification found. Sizes are of `install_only.tar.gz`. `--into` this page
keeps the rows of cells that another store has.

"""
_COLUMNS = ("cell", "published", "build id", "optimize", "OpenSSL", "size", "build", "verify", "findings")
_ROW = re.compile(r"^\| (?P<cell>\d\S+) \| (?P<published>\S+) \| (?P<build>\d+) \| (?P<optimize>\S+) \| .*\|$", re.MULTILINE)

Key = tuple[Cell, str]  # a cell and how it is optimised


def page(artifacts: Iterable[Artifact], before: str = "") -> str:
    """The page, ordered as distros and versions are; of several builds of a cell with one optimisation the newest.

    `before` is such a page, of which the rows stay that nothing here replaces.
    """
    newest: dict[Key, Artifact] = {}
    for artifact in artifacts:
        key = (Cell.parse(artifact.build.cell), artifact.build.optimize)
        if key not in newest or newest[key].build_id < artifact.build_id:
            newest[key] = artifact
    lines = dict(_kept(before)) | {key: f"| {' | '.join(_row(artifact))} |" for key, artifact in newest.items()}
    head = [f"| {' | '.join(_COLUMNS)} |", f"| {' | '.join(['---'] * len(_COLUMNS))} |"]
    ordered = sorted(lines.items(), key=lambda item: (item[0][0].sort_key, item[0][1]))
    return _HEAD + "".join(f"{line}\n" for line in [*head, *(line for _, line in ordered)])


def _kept(text: str) -> Iterator[tuple[Key, str]]:
    for found in _ROW.finditer(text):
        yield (Cell.parse(found["cell"]), found["optimize"]), found[0]


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
