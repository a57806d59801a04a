"""docs/security.md: the tests that it names exist, and what is tested nowhere else."""

import json
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from farm.dispatch.decide import Sight
from farm.dispatch.grants import Granter
from farm.dispatch.journal import Journal
from farm.dispatch.loop import wanted
from farm.dispatch.records import PlannedCell, RunPlan
from farm.dispatch.tempo import Tempo
from farm.settings import S3Settings, Settings
from farm.wire import messages
from farm.wire.messages import GrantRequest, WakeUp
from farm.wire.queue import celery_config
from tests.dispatch.conftest import TestFarm
from tests.dispatch.making import INPUTS, cell, recipe
from tests.fakes import MemoryStore

RUN = "20260101-000000-abcdef"
TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs/security.md").read_text(encoding="utf-8")
SECRET = "hunter2-hunter2-hunter2"


def test_every_test_that_the_page_names_exists():
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 30
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (TESTS / file).exists() or (test and f"def {test}(" not in (TESTS / file).read_text(encoding="utf-8"))
    ]
    assert missing == []


def secretive():
    s3 = S3Settings(endpoint="http://127.0.0.1:1", access_key=f"AKIA{SECRET}", secret_key=SecretStr(SECRET))
    return Settings(store=f"s3://bucket-{SECRET}", s3=s3, signing_key=Path(f"/{SECRET}.pem"), broker_url="redis://x")


def test_a_builder_that_we_start_hears_of_no_key(monkeypatch):
    for name in ("FARM_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "FARM_SIGNING_KEY"):
        monkeypatch.setenv(name, SECRET)
    environment = secretive().child_environment()
    assert environment["FARM_BROKER_URL"] == "redis://x"
    assert SECRET not in json.dumps(environment)


def test_no_secret_is_in_what_a_run_leaves(tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_PIPELINE", "")
    for name in ("FARM_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, SECRET)
    farm = TestFarm(tmp_path)
    farm.says(cell(), "build-failed")
    farm.submit()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "worker.log" for path in files)
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_grants_addresses_are_of_its_own_attempt():
    planned = PlannedCell(cell=str(cell()), channel="dev", triple="x", recipe=recipe(cell()), inputs=INPUTS)
    plan = RunPlan(run=RUN, started="", deadline_s=60, cells=(planned,))
    journal = Journal(MemoryStore(), RUN)
    granter = Granter(journal, {cell(): planned}, wanted(plan), journal.store, Tempo(), 60)
    grant = granter.answer(GrantRequest(run=RUN, cell=str(cell()), worker="w.1", reply="0" * 32), Sight(), 5.0)
    assert {url.rpartition("/")[0] for url in grant.uploads.values()} == {f"memory://staging/{RUN}/{cell()}/1"}
    assert {url.rpartition("?")[2] for url in grant.uploads.values()} == {str(60 + 1800)}


@pytest.mark.parametrize("forged", ["; rm -rf /", "../../x", "$(id)", "a" * 99, "3.13.5 debian13"])
def test_messages_hold_no_commands(forged):
    for values in (
        {"run": RUN, "cell": forged},
        {"run": forged, "cell": str(cell())},
        {"run": RUN, "cell": str(cell()), "do": "x"},
    ):
        with pytest.raises(ValueError, match="WakeUp"):
            WakeUp.model_validate(values)
    assert messages.BUILD_TASK == "workers.build_cell"


def test_celery_takes_only_json_and_no_remote_control():
    config = celery_config(Settings(broker_url="redis://x"))
    assert config["accept_content"] == ["json"]
    assert config["task_serializer"] == "json"
    assert config["worker_enable_remote_control"] is False
    assert "result_backend" not in config
