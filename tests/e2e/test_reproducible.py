"""The same recipe and inputs give the same bytes: on another host name, at another time, in another place, with another -j."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from farm.dispatch.journal import Journal
from farm.plan.recipe import PACKS, staged_name
from farm.settings import S3Settings
from farm.store.artifact import ArchiveInfo
from farm.store.s3 import S3Store
from farm.wire.messages import Grant, Result
from tests.fixtures_cell import CLONE, PREFIX
from tests.fixtures_s3 import ADMIN

pytestmark = [pytest.mark.engine, pytest.mark.cell, pytest.mark.timeout(3000)]


def bytes_of(archives: tuple[ArchiveInfo, ...]) -> dict:
    return {(one.kind, one.format): (one.sha256, one.tar_sha256, one.size) for one in archives}


def test_a_second_build_has_the_same_bytes(real_cell, tmp_path):
    bucket = real_cell.environment["FARM_STORE"].removeprefix("s3://").partition("/")[0]
    settings = S3Settings(endpoint=real_cell.environment["FARM_S3_ENDPOINT"], access_key=ADMIN[0], secret_key=ADMIN[1])
    (planned,) = Journal(S3Store(bucket, PREFIX, settings), real_cell.artifact.run).plan().cells
    out, temporary = tmp_path / "out", tmp_path / "another place"
    out.mkdir()
    temporary.mkdir()
    grant = Grant(
        attempt=1,
        recipe=planned.recipe,
        inputs=planned.inputs,
        deadline_s=3600,
        uploads={staged_name(kind, form): (out / staged_name(kind, form)).as_uri() for kind, form in PACKS},
    )
    (tmp_path / "grant.json").write_text(grant.model_dump_json())
    command = [sys.executable, "-m", "tests.e2e.again", str(tmp_path / "grant.json"), str(out), "3"]
    if os.getuid() == 0:
        command = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh", *command]
    environment = {**os.environ, "FARM_ENGINE": real_cell.environment["FARM_ENGINE"], "TMPDIR": str(temporary)}
    done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    again = Result.model_validate_json(Path(out, "result.json").read_text())
    assert again.build == real_cell.artifact.build
    assert bytes_of(again.archives) == bytes_of(real_cell.artifact.archives)
