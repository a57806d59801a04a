"""`python -m workers doctor`: each check of a build host is seen to fail."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from farm.settings import Settings
from tests.fixtures_s3 import free_ports
from workers import doctor
from workers.engine.protocol import Limits

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
    (found,) = doctor.engine(Settings(engine=f"unix://{tmp_path}/none.sock"))
    assert (found.check, found.grade) == ("engine", "error")
    assert found.todo


def test_disk(tmp_path):
    assert doctor.disk("d", tmp_path / "not" / "there", 0.001).grade == "ok"
    free = shutil.disk_usage(tmp_path).free / (1 << 30)
    assert doctor.disk("d", tmp_path, free * 1.5).grade == "warning"
    assert doctor.disk("d", tmp_path, free * 3).grade == "error"


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "cannot be written" in doctor.disk("d", tmp_path, 1).seen


def test_memory():
    assert doctor.memory(16, 2, 8).grade == "ok"
    assert doctor.memory(16, 3, 8).grade == "warning"


def test_bootstrap():
    assert doctor.bootstrap(Settings(base_image="bootstrap"), lambda _: None).grade == "error"
    assert doctor.bootstrap(Settings(base_image="auto"), lambda _: None).grade == "warning"
    assert doctor.bootstrap(Settings(base_image="pull"), lambda _: None).grade == "skipped"
    assert doctor.bootstrap(Settings(), lambda name: f"/usr/bin/{name}").grade == "ok"


@pytest.mark.parametrize(
    ("flags", "version", "grade"),
    [
        ("F", "qemu-aarch64 version 10.0.13", "ok"),
        ("OCF", "version 7.2.1", "warning"),
        ("OC", "version 10.0", "error"),
        ("F", "", "error"),
    ],
)
def test_emulation(tmp_path, flags, version, grade):
    entry = tmp_path / "qemu-aarch64"
    entry.write_text(f"enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: {flags}\noffset 0\n")
    (found,) = doctor.emulation(tmp_path, "amd64", lambda _: version)
    assert found.grade == grade
    assert bool(found.todo) == (grade != "ok")
    (none,) = doctor.emulation(tmp_path / "none", "amd64")
    assert none.grade == "skipped"


def test_it_prints_json_whatever_it_finds(tmp_path):
    (port,) = free_ports(1)
    environment = os.environ | {"FARM_ENGINE": f"tcp://127.0.0.1:{port}", "FARM_CACHE": str(tmp_path)}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "workers", "doctor"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [one["grade"] for one in json.loads(done.stdout) if one["check"] == "engine"] == ["error"]
