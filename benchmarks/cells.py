"""What the metadata of a store's newest builds says of them: how long their steps took, on how many cores, and their sizes.

Usage: python -m benchmarks.cells [--store ./store] [--out benchmarks/results/cells.json]

What the file has of builds of other stores stays: of each cell and optimisation the newer build is told.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.command import end
from benchmarks.provenance import MEASURED, stamp, write
from farm.plan.cell import Cell
from farm.store import catalog, keys
from farm.store.folder import FolderStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from farm.plan.recipe import ArchiveKind
    from farm.store.artifact import Artifact

# Steps that take as long as CPython and its archives take; goals and budgets are for all the others. `make` is each step that
# begins so: libraries of our own, and the Python that a cross build needs on its own machine, are compiled in such steps, too.
HEAVY = ("make", "link static", "install", "pack", "verify")
CONFIGURE = "configure"  # runs the compiler some hundred times, and so counts as compiling unless it is asked for


def light(took: Mapping[str, float], *, configure: bool = False) -> float:
    """Seconds of the steps that are not heavy, of seconds by step; `configure`: with that."""
    heavy = tuple(f"{step} " for step in (HEAVY if configure else (*HEAVY, CONFIGURE)))
    return sum(seconds for step, seconds in took.items() if not f"{step} ".startswith(heavy))


def newest(artifacts: Iterable[Artifact]) -> list[Artifact]:
    """The newest build of each cell and optimisation, ordered as distros and versions are."""
    found: dict[tuple[str, str], Artifact] = {}
    for one in artifacts:
        key = (one.build.cell, one.build.optimize)
        if key not in found or found[key].build_id < one.build_id:
            found[key] = one
    return [found[key] for key in sorted(found, key=_order)]


def merged(kept: Iterable[dict[str, Any]], read: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each cell and optimisation what is told of the newer build, ordered as `newest` does; of one build, what was read."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in (*kept, *read):
        key = (one["cell"], one["optimize"])
        if key not in found or found[key]["build_id"] <= one["build_id"]:
            found[key] = one
    return [found[key] for key in sorted(found, key=_order)]


def _order(key: tuple[str, str]) -> tuple[object, ...]:
    return Cell.parse(key[0]).sort_key, key[1]


def chosen(store: FolderStore, cell: Cell, optimize: str) -> Artifact:
    """The newest build of a cell with that optimisation that was not yanked. Ends the benchmark when there is none."""
    marks = {build_id for _, build_id in catalog.yanked(store, cell)}
    builds = [catalog.artifact(store, build) for build in catalog.published(store, cell) if build.build_id not in marks]
    found = next((one for one in reversed(builds) if one.build.optimize == optimize), None)
    if found is None:
        raise SystemExit(f"{cell} is not published in {store.name} with {optimize}")
    return found


def fetched(store: FolderStore, artifact: Artifact, form: str, folder: Path, kind: ArchiveKind = "install_only") -> Path:
    """One of its archives, as a file in a folder."""
    archive = artifact.archive(kind, form)
    target = folder / archive.name
    store.fetch(f"{keys.artifact_folder(Cell.parse(artifact.build.cell), artifact.build_id)}/{archive.name}", target)
    return target


def parser(name: str, *, rounds: int) -> argparse.ArgumentParser:
    """What a benchmark of one published build is asked with."""
    made = argparse.ArgumentParser(prog=f"benchmarks.{name}")
    made.add_argument("cell")
    made.add_argument("--optimize", default="pgo+lto")
    made.add_argument("--store", type=Path, default=Path("store"))
    made.add_argument("--rounds", type=int, default=rounds)
    made.add_argument("--out", type=Path, default=Path(f"benchmarks/results/{name}.json"))
    return made


def written(file: Path, result: dict[str, Any]) -> None:
    """Write the JSON, and print it."""
    write(file, {MEASURED: stamp(), **result})
    print(json.dumps(result, indent=1))


def told(artifact: Artifact) -> dict[str, Any]:
    """What the page needs of a build."""
    return {
        "cell": artifact.build.cell,
        "series": artifact.build.series,
        "optimize": artifact.build.optimize,
        "build_id": artifact.build_id,
        "steps": [step.model_dump() for step in artifact.steps],
        "sizes": {form: artifact.archive("install_only", form).size for form in ("tar.gz", "tar.zst")},
    }


def main() -> int:
    """Read, and write the JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.cells")
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/cells.json"))
    options = parser.parse_args()
    store = FolderStore(options.store)
    cells = [told(one) for one in newest(catalog.artifact(store, build) for build in catalog.published(store))]
    if not cells:
        raise SystemExit(f"nothing is published in {options.store}: run `make demo` first")
    kept = json.loads(options.out.read_text(encoding="utf-8"))["cells"] if options.out.exists() else []
    every = merged(kept, cells)
    write(options.out, {"cells": every})
    print(f"{len(cells)} builds in {options.store}, {len(every)} in {options.out}")
    return 0


if __name__ == "__main__":
    end(main)
