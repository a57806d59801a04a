"""What becomes of each cell of a matrix, and why: pure, from facts, what is published and what the distros have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

from farm.plan.cell import Cell
from farm.plan.compose import compose, impossible
from farm.plan.options import Options
from farm.plan.recipe import Inputs, Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.plan.facts import Facts
    from farm.plan.matrix import Asked, Matrix
    from farm.plan.rows import CostRow
    from farm.plan.scope import Place

Fate = Literal["build", "stale", "published", "impossible"]
FATES: tuple[Fate, ...] = ("build", "stale", "published", "impossible")

Platform = tuple[str, str]  # distro, arch: what has inputs of its own


class Build(Protocol):
    """A published build, as its catalog key tells it (`farm.store.keys.Published`)."""

    @property
    def cell(self) -> Cell:
        """The cell that was built."""
        ...

    @property
    def build_id(self) -> str:
        """When, and which of that day."""
        ...

    @property
    def recipe(self) -> str:
        """Digest of the recipe, shortened."""
        ...

    @property
    def inputs(self) -> str:
        """Digest of the inputs, shortened."""
        ...

    @property
    def channel(self) -> str:
        """The channel it was published to."""
        ...

    @property
    def key(self) -> str:
        """The catalog key."""
        ...

    def same(self, recipe: str, inputs: str) -> bool:
        """Whether it was built from this recipe and these inputs."""
        ...


Builds = Mapping[Cell, Sequence[Build]]


@dataclass(frozen=True)
class Planned:
    """A cell of a plan. `newest` is its newest published build; `recipe` is None when the cell is impossible.

    `triple` is the platform as clients name it, `uv` whether uv can install it.
    """

    cell: Cell
    options: Options
    fate: Fate
    reason: str
    recipe: Recipe | None
    newest: Build | None = None
    seconds: int = 0
    disk_mb: int = 0
    store_mb: int = 0
    triple: str = ""
    uv: bool = True

    @property
    def wanted(self) -> bool:
        """Whether there is something to build."""
        return self.fate in {"build", "stale"}


@dataclass(frozen=True)
class Plan:
    """Every cell of a matrix with its fate, in the matrix's order. Times and sizes are estimates (`costs.toml`).

    `builds` is all that was published when it was made.
    """

    cells: tuple[Planned, ...]
    inputs: Mapping[Platform, Inputs | None]
    notes: tuple[str, ...] = ()
    builds: Builds = field(default_factory=dict)

    @cached_property
    def counts(self) -> dict[Fate, int]:
        """How many cells have each fate."""
        return {fate: sum(planned.fate == fate for planned in self.cells) for fate in FATES}

    @cached_property
    def order(self) -> tuple[Planned, ...]:
        """What to build, in order: the longest first; of equally long ones, those of the image with the most work.

        With a worker for every few cells a long one that begins last keeps all others waiting (benchmarks/simulate.py).
        """
        images: dict[tuple[object, ...], list[Planned]] = {}
        for planned in self.cells:
            if planned.wanted and planned.recipe:
                images.setdefault((planned.cell.distro, planned.cell.arch, planned.recipe.build_packages), []).append(planned)
        by_work = sorted(images.values(), key=lambda cells: -sum(planned.seconds for planned in cells))
        return tuple(sorted((planned for cells in by_work for planned in cells), key=lambda planned: -planned.seconds))

    @property
    def seconds(self) -> int:
        """Seconds of two cores that building takes, one cell after the other."""
        return sum(planned.seconds for planned in self.order)

    @property
    def disk_mb(self) -> int:
        """MB of the largest build's volume: what one slot of a worker needs."""
        return max((planned.disk_mb for planned in self.order), default=0)

    @property
    def store_mb(self) -> int:
        """MB by which the store grows."""
        return sum(planned.store_mb for planned in self.order)


def plan(
    matrix: Matrix,
    facts: Facts,
    published: Iterable[Build],
    locks: Mapping[Platform, Inputs | None],
    code: str,
) -> Plan:
    """The fate of every cell. `locks` has the newest inputs of each distro and arch, as far as they were ever resolved."""
    builds = by_cell(published)
    digests = {platform: inputs.digest if inputs else "" for platform, inputs in locks.items()}
    cells = tuple(
        _planned(
            asked,
            facts,
            sorted(builds.get(asked.cell, ()), key=lambda build: build.build_id),
            digests.get((asked.cell.distro, asked.cell.arch), ""),
            code,
        )
        for asked in matrix.cells
    )
    return Plan(cells, dict(locks), matrix.notes, builds)


def by_cell(published: Iterable[Build]) -> Builds:
    """The builds of each cell."""
    builds: dict[Cell, list[Build]] = {}
    for build in published:
        builds.setdefault(build.cell, []).append(build)
    return builds


def _planned(asked: Asked, facts: Facts, builds: list[Build], inputs: str, code: str) -> Planned:
    cell, options = asked.cell, asked.options
    newest = builds[-1] if builds else None
    reason = impossible(cell, options, facts)  # it raises for a name that there are no facts for
    triple, uv = facts.triple(cell), facts.series[cell.python.series].uv
    if reason:
        return Planned(cell, options, "impossible", reason, None, newest, triple=triple, uv=uv)
    recipe = compose(cell, options, facts, code)
    fate, reason = _fate(recipe.digest, inputs, options, builds)
    reason = "; ".join((reason, *(facts.libraries[library.name].notice for library in recipe.libraries)))
    cost = _cost(facts, facts.place(cell, options.optimize))
    return Planned(cell, options, fate, reason, recipe, newest, cost.seconds, cost.disk_mb, cost.store_mb, triple, uv)


def _fate(recipe: str, inputs: str, options: Options, builds: list[Build]) -> tuple[Fate, str]:
    if not builds:
        return "build", "never published"
    same_recipe = [build for build in builds if recipe.startswith(build.recipe)]
    same = [build for build in same_recipe if not inputs or inputs.startswith(build.inputs)]
    if same:
        build = same[-1]
        seen = "" if inputs else "; this distro's packages were not resolved yet"
        other = "" if build.channel == options.channel else f" in the channel {build.channel}"
        return "published", f"as {build.build_id}{other}{seen}"
    if same_recipe:
        return "stale", f"the distro's packages have changed since {same_recipe[-1].build_id}"
    return "stale", f"the recipe has changed since {builds[-1].build_id}"


@lru_cache(maxsize=4096)  # thousands of cells are at a few places
def _cost(facts: Facts, place: Place) -> CostRow:
    *_, last = facts.costs.values()
    return next((row for row in facts.costs.values() if row.holds(place)), last)
