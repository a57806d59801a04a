"""`farm audit`: the distro's own Python beside our recipe, and why they differ."""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from farm.cli.opening import opened
from farm.errors import EXIT_CELLS_FAILED
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.yardstick import choose, difference_rows, features
from farm.settings import Settings
from farm.show import yardstick as show
from farm.store import catalog, keys
from farm.wire import child
from farm.wire.yardstick import Yardstick
from farm.yardstick.compare import compare

if TYPE_CHECKING:
    from farm.store.protocol import Store

_TOP = "python/"


@click.command()
@click.argument("distro")
@click.argument("version", default="")
@click.option("--all", "everything", is_flag=True, help="Show what is the same, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the audit as JSON.")
def audit(distro: str, version: str, everything: bool, as_json: bool) -> None:
    """Compare the own Python of DISTRO with ours: everything side by side, each difference with its reason.

    VERSION is a series that the distro has (its default one), or the exact version of ours to compare with.

    Exit codes: 0 every difference is explained; 3 one is not, or a row explains what is none.
    """
    settings = Settings()
    facts = load_facts(settings.facts)
    rows, known = difference_rows(settings.facts), features(settings.facts)
    choose(facts, distro, version, next(iter(facts.arches)))  # wrong input is told before a container is started
    told = child.ask("audit", [distro, *([version] if version else [])], Yardstick.model_validate_json, quiet=as_json)
    cell, options = Cell.parse(told.cell), Options(optimize="none")
    found = compare(told, compose(cell, options, facts, code=""), facts.place(cell, options.optimize), rows, known)
    sizes = _sizes(opened(settings), cell)
    if as_json:
        click.echo(json.dumps(show.data(told, found, sizes), indent=2))
    else:
        click.echo("\n".join(show.lines(told, found, sizes, everything=everything)))
    if found.unexplained or found.unmatched:
        sys.exit(EXIT_CELLS_FAILED)


def _sizes(store: Store, cell: Cell) -> dict[str, int]:
    """Bytes of the newest published build's executable, libpython and library folder, without bytecode; {} if there is none."""
    build = catalog.newest(store, cell)
    if build is None:
        return {}
    artifact = catalog.artifact(store, build)
    archive, made = artifact.archive("install_only", "tar.gz"), artifact.build
    with TemporaryDirectory(prefix="farm-audit-") as folder:
        target = Path(folder, archive.name)
        if not store.fetch(f"{keys.artifact_folder(cell, build.build_id)}/{archive.name}", target):
            return {}
        with tarfile.open(target) as tar:
            files = {member.name.removeprefix(_TOP): member.size for member in tar if member.isfile()}
    library = sum(size for name, size in files.items() if name.startswith(f"lib/{made.lib}/") and not name.endswith(".pyc"))
    return {
        "executable": files.get(f"bin/{made.executable}", 0),
        "libpython": files.get(f"lib/{made.soname}", 0),
        "library folder": library,
    }
