"""What the store keeps of a run, as documents: the plan, granted attempts, and how they ended."""

from __future__ import annotations

from farm.errors import Failure
from farm.plan.recipe import Inputs, Recipe
from farm.store.artifact import Finding, Model, StepTime
from farm.wire.messages import RunId
from farm.wire.queue import NORMAL, Priority


class PlannedCell(Model):
    """A cell that a run wants: its whole recipe, the inputs it is built with, the channel and the names it goes by there.

    `blocked` says why it cannot be attempted (then there may be no recipe); `published` is the catalog key of the build that
    is there already.
    """

    cell: str
    channel: str
    triple: str
    uv: bool = True
    recipe: Recipe | None
    inputs: Inputs | None = None
    blocked: Failure | None = None
    published: str = ""


class RunPlan(Model):
    """What a run is to do, as it is kept in the store. `started` is RFC 3339 in UTC."""

    run: RunId
    started: str
    fail_fast: bool = False
    priority: Priority = NORMAL
    deadline_s: int
    label: str = ""
    cells: tuple[PlannedCell, ...]


class AttemptNote(Model):
    """A granted attempt as it is kept; `granted` is epoch seconds."""

    worker: str
    granted: float
    deadline_s: int


class Outcome(Model):
    """How an attempt ended, as it is kept. `at` is epoch seconds; `artifact` the catalog key of what was published."""

    state: str
    at: float
    worker: str = ""
    failure: Failure | None = None
    artifact: str = ""
    findings: tuple[Finding, ...] = ()
    steps: tuple[StepTime, ...] = ()
    staged: str = ""
    log: str = ""
