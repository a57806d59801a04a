"""What matrices decide, as text that is kept: `python -m tests.plan.golden` writes it anew, to be read in a diff."""

from __future__ import annotations

from pathlib import Path

from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.matrix import read_matrix
from workers.build.image import dockerfile

ROOT = Path(__file__).parents[2]
# matrix: the text that is kept
GOLDENS = {
    ROOT / "matrix.yaml": Path(__file__).parent / "golden" / "root-matrix.txt",
    ROOT / "tests" / "e2e" / "cells.yaml": Path(__file__).parent / "golden" / "cells.txt",
    ROOT / "tests" / "plan" / "other-distros.yaml": Path(__file__).parent / "golden" / "other-distros.txt",
}


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
                *(f"library: {library.name} {library.version}" for library in recipe.libraries),
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


if __name__ == "__main__":
    known = load_facts()
    for matrix, golden in GOLDENS.items():
        golden.write_text(text(known, read_matrix(matrix.read_bytes(), matrix.name, known)))
