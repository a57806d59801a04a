"""What the store keeps of a run, as documents: the plan, granted attempts, and how they ended."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, model_validator

from farm.errors import Failure
from farm.plan.recipe import Inputs, Recipe
from farm.store.artifact import Finding, Model, StepTime
from farm.wire.messages import RunId
from farm.wire.queue import NORMAL, Priority

if TYPE_CHECKING:
    from collections.abc import Mapping

_INPUTS = TypeAdapter(Inputs)


class PlannedCell(Model):
    """A cell that a run wants: its whole recipe, the inputs it is built with, the channel and the names it goes by there.

    `blocked` says why it cannot be attempted (then there may be no recipe); `published` is the catalog key of the build that
    is there already. `given` is the digest of the inputs, by which a document names those that it tells once for all cells.
    """

    cell: str
    channel: str
    triple: str
    uv: bool = True
    recipe: Recipe | None
    inputs: Inputs | None = None
    given: str = ""
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

    @model_validator(mode="before")
    @classmethod
    def _shared(cls, told: Any) -> Any:  # noqa: ANN401 - anything may be validated
        """Cells that name inputs get the ones that the document tells, all of them the same object."""
        if not isinstance(told, dict) or not isinstance(shared := told.get("inputs"), dict):
            return told
        known = {digest: _INPUTS.validate_python(inputs) for digest, inputs in shared.items()}
        cells = [_with_inputs(cell, known) if isinstance(cell, dict) else cell for cell in told.get("cells", ())]
        return {**{name: value for name, value in told.items() if name != "inputs"}, "cells": cells}

    def document(self) -> bytes:
        """As the store keeps it: ten thousand cells have the inputs of a few platforms, which are told once, behind them."""
        digests: dict[int, str] = {}  # by identity: hashing them for each cell would take seconds
        shared: dict[str, Inputs] = {}
        out = io.BytesIO()
        out.write(self.model_copy(update={"cells": ()}).model_dump_json().removesuffix("]}").encode())
        for at, cell in enumerate(self.cells):
            if cell.inputs and id(cell.inputs) not in digests:
                digests[id(cell.inputs)] = cell.inputs.digest
                shared[cell.inputs.digest] = cell.inputs
            given = digests[id(cell.inputs)] if cell.inputs else ""
            out.write(b"," if at else b"")
            out.write(cell.model_copy(update={"inputs": None, "given": given}).model_dump_json().encode())
        told = {digest: _INPUTS.dump_python(inputs, mode="json") for digest, inputs in shared.items()}
        out.write(f'],"inputs":{json.dumps(told)}}}'.encode())
        return out.getvalue()


def _with_inputs(cell: dict[str, Any], known: Mapping[str, Inputs]) -> dict[str, Any]:
    """Raises ValueError when the document does not tell the inputs that a cell names."""
    if not (digest := cell.get("given")):
        return cell
    if digest not in known:
        raise ValueError(f"inputs {digest} are not told")
    return {**cell, "inputs": known[digest], "given": ""}


class AttemptNote(Model):
    """A granted attempt as it is kept; `granted` is epoch seconds."""

    worker: str
    granted: float
    deadline_s: int


class Outcome(Model):
    """How an attempt ended, as it is kept. `at` is epoch seconds; `artifact` the catalog key of what was published.

    `excused`: the builder's host had no part in it, e.g. because the publisher's store was away.
    """

    state: str
    at: float
    worker: str = ""
    failure: Failure | None = None
    artifact: str = ""
    findings: tuple[Finding, ...] = ()
    steps: tuple[StepTime, ...] = ()
    staged: str = ""
    log: str = ""
    excused: bool = False
