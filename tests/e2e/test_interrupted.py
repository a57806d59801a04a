"""However `farm submit` ends, no container that it started lives on, and nothing half done stays in the store."""

import os
import signal
import socket
import subprocess
import time

import pytest

from tests.fixtures_cell import CLONE, FARM
from workers.engine.docker import OWNER

pytestmark = pytest.mark.engine

BUILDING = "building: configure ("


@pytest.fixture
def submitted(engine_url, host_arch, tmp_path):
    """A `farm submit` with nothing configured but where things lie, as soon as its container compiles."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
    for name in ("FARM_SOURCES", "FARM_CACHE", "FARM_APT_MIRROR"):
        if name in os.environ:
            environment[name] = os.environ[name]
    environment |= {"FARM_ENGINE": engine_url, "FARM_STORE": str(tmp_path / "store"), "FARM_STATE": str(tmp_path / "state")}
    command = [
        FARM,
        "submit",
        "matrix.yaml",
        "--only",
        f"3.13.5-debian13-{host_arch}",
        "--optimize",
        "none",
        "--channel",
        "dev",
    ]
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(command, cwd=CLONE, env=environment, stdout=out, stderr=out, start_new_session=True)
    ends = time.monotonic() + 400
    while BUILDING not in (tmp_path / "out").read_text():
        said = (tmp_path / "out").read_text()
        assert process.poll() is None, said
        assert time.monotonic() < ends, said
        time.sleep(0.2)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def containers(engine, tmp_path):
    """Boxes of the run that the test's store knows."""
    runs = [folder.name for folder in (tmp_path / "store" / "runs").iterdir()]
    found = engine._client.containers.list(all=True, filters={"label": "farm.run"}, ignore_removed=True)
    return [box for box in found if box.labels["farm.run"] in runs]


def gone_within(seconds, engine, tmp_path):
    ends = time.monotonic() + seconds
    while containers(engine, tmp_path):
        if time.monotonic() > ends:
            return False
        time.sleep(0.5)
    return True


def farm(*words, tmp_path):
    """What a `farm` command on the same store and state says on standard error."""
    environment = os.environ | {"FARM_STORE": str(tmp_path / "store"), "FARM_STATE": str(tmp_path / "state")}
    done = subprocess.run([FARM, *words], cwd=CLONE, env=environment, capture_output=True, text=True, check=True)
    return done.stderr


def children_of(session):
    found = subprocess.run(["ps", "-o", "pid=", "--sid", str(session)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_ctrl_c_ends_the_containers_and_says_130(submitted, engine, tmp_path):
    assert containers(engine, tmp_path)
    submitted.send_signal(signal.SIGINT)
    assert submitted.wait(timeout=90) == 130
    assert gone_within(10, engine, tmp_path)
    assert not [path for path in (tmp_path / "store").glob("staging/**/*") if path.is_file()]
    assert "Traceback" not in (tmp_path / "out").read_text()


def test_kill_9_ends_the_containers_within_a_minute_and_the_next_command_clears_the_rest(
    submitted, engine, box_image, tmp_path
):
    assert containers(engine, tmp_path)
    submitted.kill()
    submitted.wait()
    assert gone_within(60, engine, tmp_path)
    ends = time.monotonic() + 30
    while children_of(submitted.pid):
        assert time.monotonic() < ends, "its broker or worker lives on"
        time.sleep(0.5)
    # A container that was made and never started has no keeper that could end it: that takes the next command.
    owner = f"{socket.gethostname()}/{submitted.pid}/1"
    left = engine._client.containers.create(box_image, "true", labels={OWNER: owner})
    assert "did not end in order: what it left behind is removed" in farm("ls", tmp_path=tmp_path)
    assert left.id not in [box.id for box in engine._client.containers.list(all=True)]
    assert not [path for path in (tmp_path / "store").glob("staging/**/*") if path.is_file()]
