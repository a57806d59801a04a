"""`python -m workers doctor`: each check of a build host is seen to fail."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from farm.plan.facts import load_facts
from farm.settings import Settings
from tests.fixtures_s3 import free_ports
from workers import doctor
from workers.engine.emulation import emulated
from workers.engine.protocol import Limits

FACTS = load_facts()
GOOD = {
    "uid": "1000",
    "NoNewPrivs": "1",
    "CapEff": "0000000000000000",
    "CapBnd": "0000000000000000",
    "Seccomp": "2",
    "interfaces": "lo ",
    "root": "read-only",
    "tmp": "runs",
    "work": "writable",
    "pids": "4096",
    "memory": str(8 << 30),
}
BAD = {
    "uid": "0",
    "NoNewPrivs": "0",
    "CapEff": "00000000a80425fb",
    "CapBnd": "000001ffffffffff",
    "Seccomp": "0",
    "interfaces": "eth0 lo ",
    "root": "writable",
    "tmp": "does-not-run",
    "work": "read-only",
    "pids": "max",
    "memory": "max",
}


@pytest.mark.parametrize("name", GOOD)
def test_each_promise_of_a_box_is_looked_at(name):
    assert list(doctor.broken_promises(GOOD, Limits())) == []
    assert len(list(doctor.broken_promises(GOOD | {name: BAD[name]}, Limits()))) == 1
    missing = {key: value for key, value in GOOD.items() if key != name}
    assert len(list(doctor.broken_promises(missing, Limits()))) == 1


@pytest.mark.engine
def test_a_real_box_keeps_them_all(engine, box_image):
    assert doctor.isolation(engine, box_image, Limits(memory_bytes=1 << 30)).grade == "ok"


@pytest.mark.engine
def test_a_container_as_engines_make_them_by_default_keeps_few(engine, box_image):
    output = engine._client.containers.run(box_image, ["sh", "-c", doctor.PROBE], remove=True, user="0").decode()
    told = dict(line.split(maxsplit=1) for line in output.splitlines() if " " in line.strip())
    broken = " ".join(doctor.broken_promises(told, Limits()))
    for complaint in ("runs as user 0", "has a network", "has capabilities", "file system is writable", "limit of memory"):
        assert complaint in broken


def test_an_engine_that_does_not_answer(tmp_path):
    (found,) = doctor.engine(Settings(engine=f"unix://{tmp_path}/none.sock"), FACTS)
    assert (found.check, found.grade) == ("engine", "error")
    assert found.todo


def test_disk(tmp_path):
    assert doctor.disk("d", tmp_path / "not" / "there", 0.001, "").grade == "ok"
    free = shutil.disk_usage(tmp_path).free / (1 << 30)
    assert doctor.disk("d", tmp_path, free * 1.5, "").grade == "warning"
    full = doctor.disk("d", tmp_path, free * 3, "TMPDIR names another folder")
    assert (full.grade, "TMPDIR" in full.todo) == ("error", True)


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "cannot be written" in doctor.disk("d", tmp_path, 1, "").seen


def test_memory():
    assert doctor.memory(16, 2, 8).grade == "ok"
    assert doctor.memory(16, 3, 8).grade == "warning"


def test_bootstrap():
    assert doctor.bootstrap(Settings(base_image="bootstrap"), lambda _: None).grade == "error"
    assert doctor.bootstrap(Settings(base_image="auto"), lambda _: None).grade == "warning"
    assert doctor.bootstrap(Settings(base_image="pull"), lambda _: None).grade == "skipped"
    assert doctor.bootstrap(Settings(), lambda name: f"/usr/bin/{name}").grade == "ok"


@pytest.mark.parametrize(
    ("wrong", "grade", "seen"),
    [
        ({}, "ok", "qemu 10.0.13"),
        ({"name": "farm-arm64"}, "ok", "qemu 10.0.13"),  # that of `workers emulate`
        ({"version": "7.2.1"}, "error", "no worker uses it: older than 10.0: 7.2, which Debian 12 has, crashes gcc"),
        ({"flags": "OC"}, "error", "without the flag F"),
        ({"version": ""}, "error", "does not run"),
        ({"state": "disabled"}, "skipped", "nothing that is registered"),
        ({"here": False}, "skipped", "lies here"),  # as in a container on a host that has one
    ],
)
def test_emulation_is_what_a_worker_makes_of_it(kernel, wrong, grade, seen):
    folder = kernel(**wrong)
    (found,) = doctor.emulation(FACTS, "amd64", folder)
    assert (found.check, found.grade) == ("emulation arm64", grade)
    assert seen in found.seen
    assert bool(found.todo) == (grade == "error")
    assert bool(emulated(FACTS, "amd64", folder)) == (grade == "ok")


def test_a_new_emulator_beside_an_old_one_counts(kernel):
    kernel(version="7.2.1")
    (found,) = doctor.emulation(FACTS, "amd64", kernel(name="zz-arm64"))
    assert (found.grade, found.seen) == ("ok", "qemu 10.0.13")


def test_a_host_without_emulators(tmp_path):
    assert [found.grade for found in doctor.emulation(FACTS, "amd64", tmp_path / "none")] == ["skipped"]


def test_own_facts_that_do_not_load_are_a_finding(tmp_path):
    (tmp_path / "arches.toml").write_text("[arm64]\nunheard = 'of'\n")
    found = list(doctor.checks(Settings(facts=tmp_path, cache=tmp_path)))[-1]
    assert (found.check, found.grade, "arches.toml" in found.seen) == ("facts", "error", True)


def test_it_prints_json_whatever_it_finds(tmp_path):
    (port,) = free_ports(1)
    environment = os.environ | {"FARM_ENGINE": f"tcp://127.0.0.1:{port}", "FARM_CACHE": str(tmp_path)}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "workers", "doctor"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [one["grade"] for one in json.loads(done.stdout) if one["check"] == "engine"] == ["error"]
