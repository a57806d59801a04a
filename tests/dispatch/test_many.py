"""Runs of many cells: what is read does not grow with them, and a plan tells what they share once."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from pydantic import ValidationError

from farm.dispatch.journal import Journal
from farm.dispatch.known import Resolution, listed, resolved
from farm.dispatch.records import PlannedCell, RunPlan
from farm.dispatch.report import READ, report
from farm.errors import Failure
from farm.plan.fate import by_cell
from farm.show.summary import table, unread
from farm.store import keys, locks
from tests.dispatch.making import INPUTS, cell, wish
from tests.fakes import FailingStore

RUN = "20261129-010203-abcdef"


def asked(count):
    return RunPlan(
        run=RUN, started="", deadline_s=60, cells=tuple(wish(f"3.13.{number}-debian13").planned() for number in range(count))
    )


def operations(count):
    """What resolving, listing and reporting a run of published cells asks of a store."""
    store, wanted = FailingStore({}, at=10**9), asked(count)
    locks.save_inputs(store, "debian13", cell().arch, INPUTS, date="20261129")
    for planned, of in ((one, wish(f"3.13.{number}-debian13").cell) for number, one in enumerate(wanted.cells)):
        store.objects[keys.published(of, "2026112901", planned.recipe.digest, INPUTS.digest, "dev").key] = b"{}"
    journal, store.operations = Journal(store, RUN), 0
    plan = listed(resolved(journal, wanted, Resolution()), lambda planned: planned.published)
    assert all(planned.published for planned in plan.cells)
    told = report(journal, plan, 1.0)
    assert {one.end for one in told.cells} == {"already published"}
    assert unread(told) == f"{count} cells were published already; `farm ls` lists them"
    assert table(told).row_count == 0
    return store.operations


def test_nothing_is_fetched_for_each_cell():
    assert operations(READ + 1) == operations(10 * READ) < 10


def test_what_was_listed_already_is_not_listed_again():
    store, wanted = FailingStore({}, at=10**9), asked(1)
    locks.save_inputs(store, "debian13", cell().arch, INPUTS, date="20261129")
    build = keys.published(wish("3.13.0-debian13").cell, "2026112901", wanted.cells[0].recipe.digest, INPUTS.digest, "dev")
    for builds, key in ((by_cell([build]), build.key), ({}, ""), (None, "")):
        (found,) = resolved(Journal(store, RUN), wanted, Resolution(), builds).cells
        assert found.published == key


def test_whoever_submits_loads_nothing_of_what_only_drives_a_run():
    """It is most of what takes long to load, and what is published already needs none of it."""
    seen = "import sys, farm.cli.submit; print(*{'celery', 'redis', 'requests', 'jinja2', 'tenacity'} & {*sys.modules})"
    assert subprocess.run((sys.executable, "-c", seen), capture_output=True, text=True, check=True).stdout == "\n"


def test_the_newest_build_with_the_same_recipe_and_inputs_counts_its_own_channel_first():
    store = FailingStore({}, at=10**9)
    locks.save_inputs(store, "debian13", cell().arch, INPUTS, date="20261129")
    wanted = asked(1)
    recipe, of = wanted.cells[0].recipe.digest, wish("3.13.0-debian13").cell
    for build_id, digest, inputs, channel in (
        ("2026112901", recipe, INPUTS.digest, "dev"),
        ("2026112902", recipe, INPUTS.digest, "stable"),
        ("2026112903", "9" * 64, INPUTS.digest, "dev"),
        ("2026112904", recipe, "9" * 64, "dev"),
    ):
        store.objects[keys.published(of, build_id, digest, inputs, channel).key] = b"{}"
    (found,) = resolved(Journal(store, RUN), wanted, Resolution()).cells
    assert "2026112901" in found.published


def test_what_could_not_be_resolved_is_blocked_and_has_no_inputs():
    platform = ("debian13", cell().arch)
    (found,) = resolved(
        Journal(FailingStore({}, at=10**9), RUN), asked(1), Resolution(failures={platform: Failure("x", "y")})
    ).cells
    assert (found.blocked.message, found.inputs, found.published) == ("y", None, "")


def plan():
    other = replace(INPUTS, packages=(("gcc", "2.0"),))
    first, second, third, fourth = asked(4).cells
    cells = (
        first.model_copy(update={"inputs": INPUTS}),
        second.model_copy(update={"inputs": other}),
        third.model_copy(update={"inputs": INPUTS}),
        fourth,
    )
    return asked(0).model_copy(update={"cells": cells})


def test_a_document_tells_inputs_once_and_gives_the_plan_back():
    document = plan().document()
    assert [len(cell["given"]) for cell in json.loads(document)["cells"]] == [64, 64, 64, 0]
    assert len(json.loads(document)["inputs"]) == 2
    again = RunPlan.model_validate_json(document)
    assert again == plan()
    assert again.cells[0].inputs is again.cells[2].inputs


def test_a_plan_of_before_is_read_as_it_is():
    assert RunPlan.model_validate_json(plan().model_dump_json()) == plan()
    assert asked(0) == RunPlan.model_validate_json(asked(0).document())


def test_inputs_that_are_not_told_are_no_plan():
    told = json.loads(plan().document())
    told["inputs"] = {}
    with pytest.raises(ValidationError, match="are not told"):
        RunPlan.model_validate(told)
    assert PlannedCell.model_fields["given"].default == ""
