"""What the root matrix decides, as text that is kept: `python -m tests.plan.golden` writes it anew, to be read in a diff."""

from __future__ import annotations

from pathlib import Path

from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.matrix import read_matrix

GOLDEN = Path(__file__).parent / "golden" / "root-matrix.txt"
ROOT = Path(__file__).parents[2]


def text(facts, matrix):
    """Every cell's configure lines, make words and packages; cells that agree in all of them stand together."""
    blocks = {}
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
                f"bytecode: {recipe.bytecode}",
                f"build: {' '.join(recipe.build_packages)}",
                *(f"run: {package}" for package in runtime),
            ]
        )
        blocks.setdefault(block, []).append(f"{asked.cell} {asked.options.optimize} {asked.options.channel}")
    return "\n\n".join("\n".join([*cells, block]) for block, cells in blocks.items()) + "\n"


if __name__ == "__main__":
    known = load_facts()
    GOLDEN.write_text(text(known, read_matrix((ROOT / "matrix.yaml").read_bytes(), "matrix.yaml", known)))
