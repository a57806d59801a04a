"""What the metadata of a store's newest builds says of them: how long their steps took, on how many cores, and their sizes.

Usage: python -m benchmarks.cells [--store ./store] [--out benchmarks/results/cells.json]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.command import end
from farm.plan.cell import Cell
from farm.store import catalog, keys
from farm.store.folder import FolderStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.store.artifact import Artifact


def newest(artifacts: Iterable[Artifact]) -> list[Artifact]:
    """The newest build of each cell and optimisation, ordered as distros and versions are."""
    found: dict[tuple[str, str], Artifact] = {}
    for one in artifacts:
        key = (one.build.cell, one.build.optimize)
        if key not in found or found[key].build_id < one.build_id:
            found[key] = one
    return [found[key] for key in sorted(found, key=lambda key: (Cell.parse(key[0]).sort_key, key[1]))]


def chosen(store: FolderStore, cell: Cell, optimize: str) -> Artifact:
    """The newest build of a cell with that optimisation. Ends the benchmark when there is none."""
    builds = [catalog.artifact(store, build) for build in catalog.published(store, cell)]
    found = next((one for one in reversed(builds) if one.build.optimize == optimize), None)
    if found is None:
        raise SystemExit(f"{cell} is not published in {store.name} with {optimize}")
    return found


def fetched(store: FolderStore, artifact: Artifact, form: str, folder: Path) -> Path:
    """Its install_only archive, as a file in a folder."""
    archive = artifact.archive("install_only", form)
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
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
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
    options.out.write_text(json.dumps({"cells": cells}, indent=1) + "\n", encoding="utf-8")
    print(f"{len(cells)} builds")
    return 0


if __name__ == "__main__":
    end(main)
