"""`farm ls`, `farm info` and `farm serve` as an operator meets them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from farm.plan.cell import Cell
from farm.publish.publisher import publish
from farm.store.artifact import Artifact, PackageVersion, VerifiedIn
from farm.store.folder import FolderStore
from tests.publish.staging import now, order, recipe, stage

CLONE = str(Path(__file__).parents[2])
FARM = Path(sys.executable).with_name("farm")


@pytest.fixture
def store(tmp_path):
    store = FolderStore(tmp_path / "store")
    base_url = store.root.as_uri()
    of = order(base_url=base_url)
    publish(store, stage(store, of), of, clock=now)
    free = Cell.parse("3.14.0-debian12-amd64-freethreaded")
    of = order(free, base_url=base_url, channel="stable", recipe=recipe(free, optimize="pgo"))
    publish(store, stage(store, of), of, clock=now)
    return store


def farm(folder, *args):
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "FARM_STORE": str(folder / "store"), "PYTHONPATH": CLONE}
    return subprocess.run([FARM, *args], capture_output=True, text=True, env=env, cwd=folder, check=False)


def test_ls(store, tmp_path):
    lines = farm(tmp_path, "ls").stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["CELL", "BUILD", "CHANNEL"],
        ["3.14.0-debian12-amd64-freethreaded", "2026112201", "stable"],
        ["3.13.5-debian13-amd64", "2026112201", "dev"],
    ]
    for option in (("--distro", "debian12"), ("--series", "3.14"), ("--channel", "stable")):
        [found] = json.loads(farm(tmp_path, "ls", *option, "--json").stdout)
        assert found["cell"] == "3.14.0-debian12-amd64-freethreaded"
    assert "nothing of 2 published builds" in farm(tmp_path, "ls", "--distro", "debian11").stdout


def test_ls_of_an_empty_store_says_what_to_do(tmp_path):
    done = farm(tmp_path, "ls")
    assert done.returncode == 0
    assert "`farm submit matrix.yaml`" in done.stdout
    assert json.loads(farm(tmp_path, "ls", "--json").stdout) == []
    assert not (tmp_path / "store").exists()


def test_ls_as_a_page(store, tmp_path):
    lines = farm(tmp_path, "ls", "--markdown").stdout.splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| 3.")]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("3.14.0-debian12-amd64-freethreaded", "2026112201", "pgo"),
        ("3.13.5-debian13-amd64", "2026112201", "none"),
    ]


def test_info(store, tmp_path):
    text = farm(tmp_path, "info", "3.13.5-debian13-amd64").stdout
    artifact = Artifact.model_validate_json(farm(tmp_path, "info", "3.13.5-debian13-amd64", "--json").stdout)
    for archive in artifact.archives:
        assert archive.name in text
        assert archive.sha256 in text
    assert "apt-get install -y -q --no-install-recommends libssl3t64 " in text.replace("\n", " ")
    assert re.search(r"libtk8.6 .*_tkinter \(optional\)", text)
    gzip = artifact.archive("install_only", "tar.gz")
    assert f"ADD {gzip.name} /opt/" in text
    assert f'echo "{gzip.sha256}  {gzip.name}" | sha256sum -c -' in text
    assert re.search(r"^STEP +SECONDS +CORES$", text, re.MULTILINE)
    assert f"--python-downloads-json-url {store.root.as_uri()}/channels/dev/uv/debian13.json 3.13.5" in text
    assert "--channel" not in text


def test_info_tells_what_was_really_verified_with(tmp_path):
    store = FolderStore(tmp_path / "store")
    of = order(base_url=store.root.as_uri())
    packages = (PackageVersion(name="libssl3t64", version="3.5.1-1+deb13u1"),)
    verified = VerifiedIn(
        runtime_image="sha256:" + "f" * 64, builder_image="sha256:" + "e" * 64, packages=packages, passed=("a.b", "a.c")
    )
    publish(store, stage(store, of, verified=verified), of, clock=now)
    text = farm(tmp_path, "info", "3.13.5-debian13-amd64").stdout
    assert re.search(r"^verified in +sha256:f{64}$", text, re.MULTILINE)
    assert re.search(r"^passed +2 checks$", text, re.MULTILINE)
    assert re.search(r"^libssl3t64 +3\.5\.1-1\+deb13u1 +_ssl$", text, re.MULTILINE)
    assert re.search(r"^libtk8\.6 +- +_tkinter", text, re.MULTILINE)  # it was not there


def test_the_shell_snippet_works(store, tmp_path):
    text = farm(tmp_path, "info", "3.13.5-debian13-amd64").stdout
    lines = text.split("shell:\n")[1].splitlines()[:2]
    opt = tmp_path / "opt"
    opt.mkdir()
    script = "\n".join(["set -e", *lines]).replace("-C /opt", f"-C {opt}")
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    assert (opt / "python/bin/python3").resolve().read_bytes().startswith(b"\x7fELF")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("info", "3.13.9-debian13-amd64"), "3.13.9-debian13-amd64 is not published"),
        (("info", "3.13.5-debian13-amd64", "--channel", "stable"), "channel stable"),
        (("info", "nonsense"), "is not a cell"),
    ],
)
def test_what_is_not_there_is_said(store, tmp_path, args, message):
    done = farm(tmp_path, *args)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_answers_until_it_is_interrupted(store, tmp_path):
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "FARM_STORE": str(store.root)}
    with subprocess.Popen(
        [FARM, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=tmp_path
    ) as process:
        try:
            line = process.stdout.readline()
            address = re.search(r"http://\S+", line).group()
            with urllib.request.urlopen(f"{address}/channels/dev/uv/debian13.json", timeout=9) as answer:
                assert answer.headers["Content-Type"] == "application/json"
                assert "cpython-3.13.5-linux-x86_64-gnu" in json.load(answer)
            taken = farm(tmp_path, "serve", "--port", address.rpartition(":")[2])
            assert (taken.returncode, "cannot listen" in taken.stderr) == (2, True)
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=9) == 130
        assert "Traceback" not in process.stderr.read()
