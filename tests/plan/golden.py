"""What matrices decide, as text that is kept: `python -m tests.plan.golden` writes it anew, to be read in a diff.

With a folder of source archives as argument, it reads their lists of modules anew too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from farm.plan.cell import Cell
from farm.plan.compose import compose, decisions, impossible
from farm.plan.facts import load_facts
from farm.plan.matrix import read_matrix
from farm.plan.options import Options
from workers.build.image import dockerfile
from workers.build.modules import SourceLists, expected, source_lists

ROOT = Path(__file__).parents[2]
# matrix: the text that is kept
GOLDENS = {
    ROOT / "matrix.yaml": Path(__file__).parent / "golden" / "root-matrix.txt",
    ROOT / "tests" / "e2e" / "cells.yaml": Path(__file__).parent / "golden" / "cells.txt",
    ROOT / "tests" / "plan" / "other-distros.yaml": Path(__file__).parent / "golden" / "other-distros.txt",
}
MODULES = Path(__file__).parent / "golden" / "modules.txt"
LISTS = Path(__file__).parent / "golden" / "source-lists.json"  # of extension modules, by version


def text(facts, matrix):
    """Every cell's configure lines, make words, packages and Dockerfiles; what agrees in all of them stands together."""
    blocks, images = {}, {}
    for asked in matrix.cells:
        recipe = compose(asked.cell, asked.options, facts, "code")
        runtime = [
            f"{package.name}{'?' if package.optional else ''} ({', '.join(package.modules)}: {', '.join(package.sonames)})"
            for package in recipe.runtime
        ]
        block = "\n".join(
            [
                f"configure: {' '.join(recipe.configure)}",
                f"static: {' '.join(recipe.make_static)}",
                *(f"make: {word}" for word in recipe.make),
                f"patches: {' '.join(patch.file for patch in recipe.patches)}",
                *(f"library: {library.name} {library.version}: {_words(library.commands)}" for library in recipe.libraries),
                *(f"environment: {name}={value}" for name, value in recipe.environment),
                *(f"says: {advice.file}: {advice.sentence}" for advice in recipe.advice),
                *_cross(recipe.cross),
                f"bytecode: {recipe.bytecode}",
                f"build: {' '.join(recipe.build_packages)}",
                *(f"run: {package}" for package in runtime),
            ]
        )
        blocks.setdefault(block, []).append(f"{asked.cell} {asked.options.optimize} {asked.options.channel}")
        for name, image in _images(recipe, facts.distros[asked.cell.distro]):
            images.setdefault(image, {})[name] = None
    said = [*blocks.items(), *((image.rstrip(), list(names)) for image, names in images.items())]
    return "\n\n".join("\n".join([*names, block]) for block, names in said) + "\n"


def _words(commands):
    return "; ".join(" ".join(command) for command in commands)


def _cross(cross):
    if cross:
        yield f"cross on {cross.on}: {' '.join(cross.configure)}"
        yield f"cross packages: {' '.join(cross.packages)}"
        yield from (f"cross environment: {name}={value}" for name, value in cross.environment)
        yield from (f"cross sysconfig: {name} = {value}" for name, value in cross.sysconfig)


def _images(recipe, distro):
    """Name and Dockerfile of each image of a cell; the base stands for itself."""
    cell, install = recipe.cell, distro.family.install
    where = f"{cell.distro}-{cell.arch}"
    yield f"builder of {where}", dockerfile("base", install, recipe.build_packages)
    yield f"runtime of {where}, {recipe.layout.series}", dockerfile("base", install, recipe.required_packages)
    if recipe.cross:
        prepare = distro.family.foreign.format(arch=cell.arch)
        yield f"builder on {recipe.cross.on} for {where}", dockerfile("base", install, recipe.cross.packages, prepare)


def modules(facts):
    """Which modules are expected and which are not, with the rows' reasons, by version; distros that agree stand together."""
    blocks = {}
    for version, lists in json.loads(LISTS.read_text()).items():
        for distro in facts.distros:
            cell, options = Cell.parse(f"{version}-{distro}-amd64"), Options("none")
            if not impossible(cell, options, facts):
                there = expected(
                    SourceLists(*map(frozenset, lists.values()), stdlib=frozenset()), compose(cell, options, facts, "code")
                )
                rows = (one for one in decisions(cell, options, facts) if one.subject in ("module", "no module"))
                block = [
                    f"linked in: {' '.join(there.builtin)}",
                    f"shared: {' '.join(there.shared)}",
                    f"in the archive of tests: {' '.join(there.tests)}",
                    *(f"row, {one.subject}: {one.value}: {one.why}" for one in rows),
                ]
                blocks.setdefault((version, "\n".join(block)), []).append(distro)
    return "\n\n".join(f"{version} on {', '.join(distros)}\n{block}" for (version, block), distros in blocks.items()) + "\n"


def read_lists(facts, folder):
    """The lists of every source archive of ours that lies somewhere in the folder; those of others stay as they are kept."""
    kept = json.loads(LISTS.read_text()) if LISTS.exists() else {}
    for version, source in facts.sources.items():
        for archive in list(folder.rglob(source.file))[:1]:
            lists = source_lists(archive)
            kept[version] = {"builtin": sorted(lists.builtin), "extensions": sorted(lists.extensions)}
    return {version: kept[version] for version in facts.sources if version in kept}


if __name__ == "__main__":
    known = load_facts()
    for matrix, golden in GOLDENS.items():
        golden.write_text(text(known, read_matrix(matrix.read_bytes(), matrix.name, known)))
    if sys.argv[1:]:
        LISTS.write_text(json.dumps(read_lists(known, Path(sys.argv[1])), indent=1) + "\n")
    MODULES.write_text(modules(known))
