"""One distro asked for real: its own Python, installed from its mirror, against our recipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.engine
@pytest.mark.optional
def test_the_own_python_of_debian_13_differs_in_nothing_unexplained(engine_url, tmp_path, host_arch):
    if host_arch != "amd64":
        pytest.skip("the rows of differences.toml were seen on amd64")
    argv = [sys.executable, "-c", "from farm.cli.main import main; main()", "audit", "debian13", "--json"]
    env = {**os.environ, "FARM_ENGINE": engine_url, "FARM_STORE": str(tmp_path / "store")}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env, timeout=1800)
    found = json.loads(done.stdout)
    assert found.get("error") is None, found
    assert [one for one in found["differences"] if not one["why"]] == []
    assert found["unmatched"] == []
    assert done.returncode == 0
    assert found["version"].startswith("3.13.")
    assert found["sizes"]["theirs"]["executable"] > 4_000_000
