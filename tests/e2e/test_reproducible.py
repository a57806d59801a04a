"""The same recipe and inputs give the same bytes: on another host name, at another time, in another place, with another -j."""

import hashlib
import json
import os
import subprocess

import pytest

from farm.plan.recipe import staged_name
from tests.fixtures_cell import CLONE, FARM

pytestmark = [pytest.mark.engine, pytest.mark.cell, pytest.mark.timeout(3000)]


def test_a_second_build_has_the_same_bytes(real_cell, tmp_path):
    kept, temporary = tmp_path / "kept", tmp_path / "another place"
    temporary.mkdir()
    command = [str(FARM), "reproduce", real_cell.name, "--keep", str(kept), "--json"]
    if os.getuid() == 0:
        command = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh", *command]
    environment = {**real_cell.environment, "TMPDIR": str(temporary), "FARM_JOBS": "3"}
    done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert (told["causes"], told["files"], told["unexplained"]) == ([], [], 0)
    assert told["recipe"] == real_cell.artifact.build.recipe
    for archive in real_cell.artifact.archives:
        made = kept / "again" / staged_name(archive.kind, archive.format)
        assert hashlib.sha256(made.read_bytes()).hexdigest() == archive.sha256, archive.name
