"""`farm plan`, `init`, `show`, `explain` and `schema` as a user meets them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.plan.conftest import ROOT

FARM = Path(sys.executable).with_name("farm")
CELL = "3.13.5-debian13-amd64"


def farm(folder, *words, **environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FARM_")}
    return subprocess.run(
        [FARM, *words], cwd=folder, env={**clean, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def folder(tmp_path):
    shutil.copy(ROOT / "matrix.yaml", tmp_path)
    return tmp_path


def test_plan_shows_the_matrix_and_changes_nothing(folder):
    done = farm(folder, "plan")
    assert done.returncode == 0, done.stderr
    assert f"{CELL}  " in done.stdout
    assert "37 cells: 37 to build" in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["matrix.yaml"]


def test_plan_of_one_cell_as_json(folder):
    done = farm(folder, "plan", "matrix.yaml", "--only", CELL, "--optimize", "none", "--json")
    found = json.loads(done.stdout)
    assert [(cell["cell"], cell["optimize"], cell["channel"]) for cell in found["cells"]] == [(CELL, "none", "dev")]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["plan", "nowhere.yaml"], ["nowhere.yaml: cannot be read: No such file", "farm init"]),
        (["plan", "."], [".: cannot be read: Is a directory"]),
        (
            ["plan", "bad.yaml"],
            ["bad.yaml:1: key 'pythons': 3.10 is a number", "bad.yaml:2: key 'distros'", "hint: nothing was"],
        ),
        (["plan", "--only", "3.13.6-debian13-amd64"], ["the matrix has no such cell", CELL]),
        (["plan", "--optimize", "fast"], ["Invalid value for '--optimize'"]),
        (["plan", "--optimize", "none", "--channel", "stable"], ["only the dev channel"]),
        (["show", "3.13-debian13-amd64"], ["'3.13-debian13-amd64' is not a cell", "3.13.5-debian13-amd64"]),
        (["show", "2.7.18-debian11-amd64-debug"], ["2.7.18-debian11-amd64-debug: the variant 'debug' is offered from"]),
        (["explain", "3.13.6-debian13-amd64"], ["source for Python '3.13.6' (did you mean '3.13.5'?)"]),
        (["init"], ["matrix.yaml is already there"]),
        (["schema", "matrx"], ["matrx"]),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(folder, words, parts):
    (folder / "bad.yaml").write_text("pythons: [3.10]\ndistros: [debain13]\narches: [amd64]\n")
    done = farm(folder, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in done.stderr


def test_a_mistake_in_an_operators_facts_names_their_file(folder):
    (folder / "facts").mkdir()
    (folder / "facts" / "flags.toml").write_text('[x]\nflag = "-x"\ngoes = "compile"\n')
    done = farm(folder, "plan", FARM_FACTS="facts")
    assert done.returncode == 2
    assert "facts/flags.toml: row 'x': key 'goes' is unknown (did you mean 'goes_to'?)" in done.stderr


def test_init_writes_a_matrix_that_plans(tmp_path):
    assert farm(tmp_path, "init").returncode == 0
    assert "1 cell: 1 to build" in farm(tmp_path, "plan").stdout


def test_show_takes_the_options_of_the_matrix(folder):
    options = json.loads(farm(folder, "show", "3.14.7-debian13-amd64-debug", "--json").stdout)["optimize"]
    assert options == "none"
    assert "optimize pgo+lto" in farm(folder, "show", CELL).stdout
    assert "optimize none" in farm(folder, "show", CELL, "--optimize", "none").stdout


def test_show_and_explain_need_no_matrix(tmp_path):
    assert "make, static pass" in farm(tmp_path, "show", CELL).stdout
    found = json.loads(farm(tmp_path, "explain", CELL, "--json").stdout)
    assert all(decision["why"] for decision in found)


@pytest.mark.parametrize("what", ["matrix", "artifact", "build"])
def test_schemas_are_schemas(tmp_path, what):
    schema = json.loads(farm(tmp_path, "schema", what).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


def test_time_budgets(folder):
    """The processor's time, not the clock's: other tests may run beside this one."""
    for words, budget in ((["--help"], 0.3), (["plan"], 1.0)):
        before = _children()
        assert farm(folder, *words).returncode == 0
        assert _children() - before < budget, words


def _children():
    times = os.times()
    return times.children_user + times.children_system
