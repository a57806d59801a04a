"""Clients that this distro has too old, as `make test` unpacks them from Debian's newest suite (`deploy/newer_programs.py`)."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from deploy import newer_programs
from farm.settings import Settings

_START_S = 60


def newer(path: str) -> Path:
    """A program by its path below the unpacked packages; skips the test where they cannot be had."""
    found = newer_programs.folder(Settings()) / path
    if not found.exists():
        pytest.skip(
            f"{path} of Debian {newer_programs.SUITE} is not there: python -m deploy.test_packages unpacks it on Debian"
        )
    return found


@contextlib.contextmanager
def engine():
    """The environment in which docker talks to an engine that knows `ADD --unpack` (Dockerfile frontend 1.17, Docker 28.2)."""
    if url := os.environ.get("FARM_TEST_BUILDKIT"):
        yield os.environ | {"DOCKER_HOST": url}
        return
    dockerd = newer("usr/sbin/dockerd")
    if os.geteuid() != 0:
        pytest.skip("an engine is started by root alone; FARM_TEST_BUILDKIT may name one that runs")
    with tempfile.TemporaryDirectory(prefix="farm-buildkit-", dir="/run") as place:
        yield from _started(dockerd, Path(place))


def _started(dockerd: Path, place: Path):
    programs = dockerd.parents[2]
    plugins = programs / "usr" / "libexec" / "docker" / "cli-plugins"
    (place / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(plugins)]}))
    (place / "daemon.json").write_text("{}")
    url = f"unix://{place}/docker.sock"
    path = f"{programs}/usr/bin:{programs}/usr/sbin:{os.environ['PATH']}:/usr/sbin:/sbin"
    environment = os.environ | {"PATH": path, "DOCKER_HOST": url, "DOCKER_CONFIG": str(place)}
    places = [f"--config-file={place}/daemon.json", f"--data-root={place}/data", f"--exec-root={place}/exec"]
    bare = [f"--pidfile={place}/pid", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
    with (place / "log").open("wb") as log:
        daemon = subprocess.Popen([dockerd, "-H", url, *places, *bare], env=environment, stdout=log, stderr=log)
    try:
        ends = time.monotonic() + _START_S
        while subprocess.run(["docker", "version"], env=environment, capture_output=True, check=False).returncode:
            assert daemon.poll() is None, (place / "log").read_text()[-2000:]
            assert time.monotonic() < ends, (place / "log").read_text()[-2000:]
            time.sleep(0.2)
        yield environment
    finally:
        daemon.terminate()
        daemon.wait(_START_S)
