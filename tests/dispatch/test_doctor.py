"""`farm doctor`, the trusted side: each check is seen to fail, and says what to do."""

import json
import subprocess
import sys
import time

import pytest
import redis
from click.testing import CliRunner
from pydantic import SecretStr

from farm.cli import doctor as verb
from farm.dispatch import doctor
from farm.settings import S3Settings, Settings
from farm.sign.keys import Signer
from farm.store.folder import FolderStore
from farm.store.keys import LAYOUT_KEY
from farm.store.open import open_store
from farm.wire.health import fine, wrong
from farm.wire.messages import WorkerCard
from tests.fixtures_s3 import ADMIN, READER, free_ports


@pytest.fixture
def settings(tmp_path):
    return lambda **more: Settings(**{"store": str(tmp_path / "store"), "state": tmp_path / "state"} | more)


def grades(found):
    return {health.check: health.grade for health in found}


def test_own_facts_that_do_not_load_are_named(settings, tmp_path):
    assert doctor.facts(settings()).grade == "ok"
    (tmp_path / "sources.toml").write_text("['3.13.99']\nfile = 'x'\n")
    found = doctor.facts(settings(facts=tmp_path))
    assert (found.grade, "sources.toml" in found.seen) == ("error", True)


def test_a_state_folder_that_is_none(settings, tmp_path):
    (tmp_path / "file").touch()
    assert doctor.state(settings(state=tmp_path / "file" / "x")).grade == "error"
    assert doctor.state(settings()).grade == "ok"


def test_a_redis_that_does_not_answer(settings):
    (port,) = free_ports(1)
    (found,) = doctor.broker(settings(broker_url=f"redis://me:hidden@127.0.0.1:{port}/0"), time.time)
    assert found.grade == "error"
    assert "hidden" not in found.seen
    assert found.todo
    assert [health.grade for health in doctor.broker(settings(), time.time)] == ["skipped"]


def test_a_redis_that_forgets_evicts_or_has_another_time(settings, mails, broker):
    builder, scheduler = mails
    given = settings(broker_url=broker.url)
    client = redis.Redis.from_url(broker.url.replace("redis+socket", "unix"))
    kept = client.config_get("maxmemory-policy")["maxmemory-policy"], client.config_get("appendonly")["appendonly"]
    try:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        found = grades(doctor.broker(given, lambda: time.time() + 3600))
        assert found == {
            "broker": "ok",
            "broker memory": "error",
            "broker file": "warning",
            "broker clock": "error",
            "scheduler": "warning",
            "workers": "warning",
        }
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "yes")
        builder.present(WorkerCard(name="w", queues=("q",)))
        scheduler.show_scheduler()
        assert set(grades(doctor.broker(given, time.time)).values()) == {"ok"}
        assert grades(doctor.broker(given, lambda: time.time() + 100))["broker clock"] == "warning"
    finally:
        client.config_set("maxmemory-policy", kept[0])
        client.config_set("appendonly", kept[1])
        client.close()


def test_a_build_host_is_told_of_a_redis_that_is_away_or_has_another_time(settings, broker):
    (port,) = free_ports(1)
    (found,) = doctor.broker_of_builder(settings(broker_url=f"redis://me:hidden@127.0.0.1:{port}/0"), time.time)
    assert (found.check, found.grade, "hidden" in found.seen) == ("broker", "error", False)
    (found,) = doctor.broker_of_builder(settings(), time.time)
    assert (found.check, found.grade) == ("broker", "error")
    given = settings(broker_url=broker.url)
    for off_s, grade in ((0, "ok"), (100, "warning"), (-100, "warning"), (3600, "error"), (-7 * 24 * 3600, "error")):
        found = grades(doctor.broker_of_builder(given, lambda off_s=off_s: time.time() + off_s))
        assert found == {"broker": "ok", "broker clock": grade}, off_s


def test_a_store_that_is_none_or_somebody_elses(settings, tmp_path):
    assert doctor.store(settings(store="ftp://x")).grade == "error"
    assert doctor.store(settings()).grade == "warning"
    assert not (tmp_path / "store").exists()
    FolderStore(tmp_path / "store").put("staging/x", b"")
    assert doctor.store(settings()).grade == "ok"
    FolderStore(tmp_path / "store").put(LAYOUT_KEY, b"99\n")
    assert "layout '99'" in doctor.store(settings()).seen


def test_a_key_that_only_reads_is_not_enough(settings, s3_server):
    bucket = s3_server.bucket()
    ours, theirs = (settings(store=f"s3://{bucket}/p", s3=s3_server.settings(keys)) for keys in (ADMIN, READER))
    store = open_store(ours)
    store.put("staging/x", b"")
    assert doctor.store(ours).grade == "ok"
    found = doctor.store(theirs)
    assert (found.grade, "refused" in found.seen, bool(found.todo)) == ("error", True, True)
    assert [stat.key for stat in store.list("")] == [LAYOUT_KEY, "staging/x"]


def test_the_disk_that_archives_are_spooled_on(settings, monkeypatch):
    found = [health for health in doctor.checks(settings()) if health.check == "work disk"]
    assert [health.grade for health in found] == ["ok"]
    monkeypatch.setattr(doctor, "_SPOOL_GB", 1e6)
    (found,) = (health for health in doctor.checks(settings()) if health.check == "work disk")
    assert (found.grade, "TMPDIR" in found.todo) == ("error", True)


def test_the_clock_of_an_s3_server(settings, s3_server):
    given = settings(store="s3://b/p", s3=s3_server.settings())
    assert doctor.store_clock(given, time.time).grade == "ok"
    assert doctor.store_clock(given, lambda: time.time() - 3600).grade == "error"
    (port,) = free_ports(1)
    away = S3Settings(endpoint=f"http://127.0.0.1:{port}", access_key=ADMIN[0], secret_key=SecretStr("hidden"))
    assert doctor.store_clock(settings(store="s3://b/p", s3=away), time.time).grade == "warning"
    assert doctor.store_clock(settings(), time.time).grade == "skipped"


def test_a_signing_key_that_others_read_or_that_is_none(settings, tmp_path):
    assert doctor.signing_key(settings()).grade == "skipped"
    assert doctor.signing_key(settings(signing_key=tmp_path / "none")).grade == "error"
    Signer.new().save(tmp_path / "key")
    assert doctor.signing_key(settings(signing_key=tmp_path / "key")).grade == "ok"
    (tmp_path / "key").chmod(0o644)
    assert "chmod 600" in doctor.signing_key(settings(signing_key=tmp_path / "key")).todo


def test_the_verb_says_what_to_do_and_ends_with_4_only_when_something_is_wrong(monkeypatch, tmp_path, broker):
    monkeypatch.setenv("FARM_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("FARM_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(verb, "build_host", lambda _: [fine("engine", "it answers")])
    done = CliRunner().invoke(verb.doctor, [])
    assert done.exit_code == 0, done.output
    assert "ok       engine: it answers" in done.output
    monkeypatch.setattr(verb, "build_host", lambda _: [wrong("engine", "none answers", "start one")])
    monkeypatch.setenv("FARM_BROKER_URL", broker.url)
    done = CliRunner().invoke(verb.doctor, ["--role", "builder"])
    assert done.exit_code == 4
    assert done.output.endswith("ERROR    engine: none answers\n         do: start one\n")
    found = json.loads(CliRunner().invoke(verb.doctor, ["--json", "--role", "builder"]).output)
    assert found[-1] == {"check": "engine", "grade": "error", "seen": "none answers", "todo": "start one"}
    assert [health["check"] for health in found] == ["broker", "broker clock", "engine"]


def test_a_build_host_with_a_wrong_address_of_redis_is_not_all_right(monkeypatch):
    monkeypatch.setattr(verb, "build_host", lambda _: [fine("engine", "it answers")])
    (port,) = free_ports(1)
    monkeypatch.setenv("FARM_BROKER_URL", f"redis://builder:hidden@127.0.0.1:{port}/0")
    done = CliRunner().invoke(verb.doctor, ["--role", "builder"])
    assert done.exit_code == 4
    assert "ERROR    broker: " in done.output
    assert "hidden" not in done.output


@pytest.mark.parametrize("script", ["raise SystemExit('broken')", "print('no json')"])
def test_a_build_wing_that_trips_is_a_finding(monkeypatch, script):
    monkeypatch.setattr(verb, "BUILD_HOST", (sys.executable, "-c", script))
    (found,) = verb.build_host(Settings())
    assert found.grade == "error"


def test_a_build_wing_that_hangs_is_a_finding(monkeypatch):
    def hang(*_, timeout, **__):
        raise subprocess.TimeoutExpired("doctor", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    (found,) = verb.build_host(Settings())
    assert "did not end" in found.seen
