"""What is published of a plan knows when its attempt was granted."""

from __future__ import annotations

import pytest

from farm.dispatch.offer import publisher
from farm.dispatch.records import AttemptNote, PlannedCell
from farm.errors import Conflict
from farm.plan.recipe import Inputs
from farm.store import catalog, run_keys
from tests.fakes import MemoryStore
from tests.publish.staging import BASE, BASE_IMAGE, CELL, RUN, TRIPLE, now, order, stage

PLANNED = PlannedCell(
    cell=str(CELL), channel="dev", triple=TRIPLE, recipe=order().recipe, inputs=Inputs(BASE_IMAGE, (("gcc", "14"),))
)


def test_a_build_began_when_its_attempt_was_granted():
    store = MemoryStore()
    staged = stage(store, order())
    note = AttemptNote(worker="w1", granted=now().timestamp() - 60.7, deadline_s=60)
    store.put(run_keys.attempt(RUN, CELL, 1), note.model_dump_json().encode())
    publisher(store, BASE)(PLANNED, staged)
    (build,) = catalog.published(store)
    assert catalog.artifact(store, build).started == "2026-11-22T15:28:59Z"


def test_an_attempt_that_was_never_granted_is_the_publishers_to_refuse():
    store = MemoryStore()
    staged = stage(store, order())
    store.delete(run_keys.attempt(RUN, CELL, 1))
    with pytest.raises(Conflict, match="never granted"):
        publisher(store, BASE)(PLANNED, staged)
