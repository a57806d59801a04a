"""docs/security.md: the tests that it names exist, and what is tested nowhere else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from farm.cli.main import cli
from farm.dispatch.decide import Sight
from farm.dispatch.grants import Granter
from farm.dispatch.journal import Journal
from farm.dispatch.loop import wanted
from farm.dispatch.records import PlannedCell, RunPlan
from farm.dispatch.tempo import Tempo
from farm.errors import Failure
from farm.settings import S3Settings, Settings
from farm.store import run_keys
from farm.store.artifact import Finding
from farm.store.folder import FolderStore
from farm.wire import messages
from farm.wire.messages import Beat, GrantRequest, Result, WakeUp, WorkerCard
from farm.wire.plain import plain
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


def lines():
    """Every row of a table, and every item of a list with the lines that belong to it."""
    rows = re.findall(r"^\| (?!.*\| test \|$).+ \|$", PAGE, re.MULTILINE)
    items = re.findall(r"^- .+(?:\n(?![-#|\n]).+)*", PAGE, re.MULTILINE)
    return [*rows, *items]


def test_each_line_of_the_page_has_a_test_or_says_why_not():
    assert len(lines()) > 60
    bare = [line for line in lines() if not re.search(r"`[\w/]+\.py::\w+`|Not tested: \S+", line)]
    assert bare == []


def secretive():
    s3 = S3Settings(endpoint="http://127.0.0.1:1", access_key=f"AKIA{SECRET}", secret_key=SecretStr(SECRET))
    return Settings(store=f"s3://bucket-{SECRET}", s3=s3, signing_key=Path(f"/{SECRET}.pem"), broker_url="redis://x")


def test_a_builder_that_we_start_hears_of_no_key(monkeypatch):
    for name in ("FARM_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "FARM_SIGNING_KEY"):
        monkeypatch.setenv(name, SECRET)
    environment = secretive().child_environment()
    assert environment["FARM_BROKER_URL"] == "redis://x"
    assert SECRET not in json.dumps(environment)
    assert "FARM_STORE" not in environment
    # A folder is no secret, and a builder of ours writes to its staging itself.
    assert Settings(store="there", broker_url="redis://x").child_environment()["FARM_STORE"] == str(Path("there").absolute())


def test_a_builder_that_we_start_reads_no_farm_toml(monkeypatch, tmp_path):
    (tmp_path / "farm.toml").write_text(
        f'store = "s3://b/p"\nbroker_url = "redis://x"\nlabels = ["fast"]\nwebhook_secret = "{SECRET}"\n'
        f'[s3]\nsecret_key = "{SECRET}"\n'
    )
    monkeypatch.chdir(tmp_path)
    ours = Settings()
    assert ours.s3.secret_key.get_secret_value() == SECRET
    told = "print(s.s3.secret_key.get_secret_value(), s.webhook_secret.get_secret_value(), s.store, s.broker_url, s.labels)"
    argv = [sys.executable, "-c", f"from farm.settings import Settings; s = Settings(); {told}"]
    done = subprocess.run(argv, env=ours.child_environment(), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["./store", "redis://x", "('fast',)"]


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
    asked = {"run": RUN, "distro": "debian13", "arch": "amd64", "packages": ("gcc", "libssl-dev:arm64"), "reply": "0" * 32}
    assert messages.ResolveRequest.model_validate(asked)
    with pytest.raises(ValueError, match=r"packages\.1"):
        messages.ResolveRequest.model_validate({**asked, "packages": ("gcc", forged if " " in forged else f"{forged};id")})
    assert messages.BUILD_TASK == "workers.build_cell"


# Sets the clipboard of whoever reads it, goes up a line and writes over it; the last one turns the order of what is read.
EVIL = "gcc\x1b]52;c;cm0gLXJm\x07\x1b[1A\x9bK\u202e"
HARMLESS = r"gcc\x1b]52;c;cm0gLXJm\x07\x1b[1A\x9bK\u202e"


def strings(told):
    """Every text in a message."""
    if isinstance(told, dict | list):
        return [text for part in (told.values() if isinstance(told, dict) else told) for text in strings(part)]
    return [told] if isinstance(told, str) else []


def test_what_a_builder_says_does_nothing_to_a_terminal():
    who = {"run": RUN, "cell": str(cell()), "attempt": 1, "worker": "w.1"}
    failure = Failure("build-failed", EVIL, EVIL, EVIL)
    finding = Finding(check="x", severity="error", message=EVIL, file=EVIL, hint=EVIL)
    for told, how_often in (
        (Beat(**who, step=EVIL, step_started=0, started=0, steps=(), tail=(EVIL,)), 2),
        (WorkerCard(name="w.1", queues=(EVIL,), engine=EVIL, trouble=EVIL, labels=(EVIL,), version=EVIL), 5),
        (Result(**who, engine=EVIL, recipe="", inputs="", farm=EVIL, failure=failure, findings=(finding,)), 8),
    ):
        read = strings(json.loads(type(told).model_validate_json(told.model_dump_json()).model_dump_json()))
        assert EVIL not in read
        assert read.count(HARMLESS) == how_often
    for forged in ("w\x1b[2J", "w 1", "", "w" * 201):
        with pytest.raises(ValueError, match="worker"):
            GrantRequest(run=RUN, cell=str(cell()), worker=forged, reply="0" * 32)


def test_what_a_build_script_prints_does_nothing_to_a_terminal(tmp_path, monkeypatch):
    assert plain("\x1b[1;31merror:\x1b[0m\tn\u00e4h\u00a0x\n") == "error:\tn\u00e4h\u00a0x\n"
    store = FolderStore(tmp_path / "store")
    journal, key = Journal(store, RUN), run_keys.log(RUN, cell(), 1)
    store.put(key, f"one\n{EVIL}\n".encode())
    assert journal.log_tail(key) == ["one", HARMLESS]
    monkeypatch.setenv("FARM_STORE", str(tmp_path / "store"))
    done = CliRunner().invoke(cli, ["logs", str(cell()), "--run", RUN, "--attempt", "1"], color=True)
    assert done.output == f"one\n{HARMLESS}\n"


def test_celery_takes_only_json_and_no_remote_control():
    config = celery_config(Settings(broker_url="redis://x"))
    assert config["accept_content"] == ["json"]
    assert config["task_serializer"] == "json"
    assert config["worker_enable_remote_control"] is False
    assert "result_backend" not in config


def test_celery_keeps_a_message_until_its_task_has_ended_and_takes_one_at_a_time():
    settings = Settings(broker_url="redis://x", cell_deadline_s=1000)
    config = celery_config(settings)
    limits = (settings.cell_deadline_s, config["task_soft_time_limit"], config["task_time_limit"], config["visibility_timeout"])
    assert list(limits) == sorted(set(limits)), "a message comes back while its task still runs"
    assert config["broker_transport_options"]["visibility_timeout"] == config["visibility_timeout"]
    assert (config["task_acks_late"], config["worker_prefetch_multiplier"]) == (True, 1)
    assert config["worker_cancel_long_running_tasks_on_connection_loss"] is False
    assert config["task_create_missing_queues"] is False
