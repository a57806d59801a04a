"""What `farm plan` and `farm submit` share: their options, and the way from a matrix.yaml to a plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from farm.cli.lasting import lasting
from farm.errors import BadInput
from farm.plan import support
from farm.plan.buildcode import build_code
from farm.plan.facts import load_facts
from farm.plan.fate import Plan, plan
from farm.plan.matrix import Matrix, read_matrix
from farm.plan.narrow import Overrides, narrow
from farm.plan.options import CHANNELS, OPTIMIZE
from farm.store import catalog, locks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from farm.plan.facts import Facts
    from farm.settings import Settings
    from farm.store.protocol import Store

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_MATRIX = Path("matrix.yaml")


def matrix_options(command: Callable[P, R]) -> Callable[P, R]:
    """Adds the argument MATRIX and the options --only, --optimize and --channel: matrix, only, optimize, channel."""
    for option in (
        click.option("--channel", type=click.Choice(CHANNELS), help="Publish to this channel, whatever the matrix says."),
        click.option("--optimize", type=click.Choice(OPTIMIZE), help="Optimise like this, whatever the matrix says."),
        click.option("--only", multiple=True, metavar="CELL|GLOB", help="Only these cells of the matrix. May be repeated."),
        click.argument("matrix", type=click.Path(path_type=Path), default=DEFAULT_MATRIX),
    ):
        command = option(command)
    return command


def read_file(path: Path, facts: Facts) -> Matrix:
    """The matrix in a file. Raises BadInput."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be read: {error.strerror}", hint="name a matrix file, or write one with `farm init`"
        ) from None
    return read_matrix(text, str(path), facts)


@lasting()
def read_plan(matrix_path: Path, only: Sequence[str], overrides: Overrides, settings: Settings, store: Store) -> Plan:
    """The plan of a matrix file, against what the store has. Raises BadInput, StoreUnavailable."""
    facts = load_facts(settings.facts)
    matrix = narrow(read_file(matrix_path, facts), only, overrides)
    platforms = dict.fromkeys((asked.cell.distro, asked.cell.arch) for asked in matrix.cells)
    known = {platform: locks.newest_inputs(store, *platform) for platform in platforms}
    made = plan(matrix, facts, catalog.published(store), known, build_code())
    ends = support.notes([asked.cell for asked in matrix.cells], facts, datetime.now(UTC).date())
    natives = support.natives([planned.recipe for planned in made.order if planned.recipe], facts)
    return replace(made, notes=(*made.notes, *_unresolved(made, store), *natives, *ends))


def _unresolved(made: Plan, store: Store) -> Iterator[str]:
    """What today's state of a distro may still change about a plan."""
    wanted = locks.packages_of(planned.recipe for planned in made.cells if planned.recipe)
    for distro, arch in locks.missing(store, wanted, locks.today()):
        there = [planned for planned in made.cells if (planned.cell.distro, planned.cell.arch) == (distro, arch)]
        published = sum(planned.fate == "published" for planned in there)
        if published:
            cells = "1 published cell" if published == 1 else f"{published} published cells"
            yield f"{distro}-{arch}: what it gives today is not known yet; {cells} may turn out stale when it is resolved"
