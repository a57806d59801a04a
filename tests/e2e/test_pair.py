"""Two builders on one machine build two real cells at once, through a real Redis and a real S3 server, and hold no key of it.

It compiles two Pythons, so it is no part of the default run: `make test-pair`.
"""

import json
import os
import subprocess
import sys
import time

import pytest

from farm.dispatch.journal import Journal
from farm.settings import S3Settings
from farm.store import catalog
from farm.store.s3 import S3Store
from tests.fixtures_cell import CLONE, PREFIX, environment_of, run_farm
from tests.fixtures_s3 import ADMIN

pytestmark = [
    pytest.mark.engine,
    pytest.mark.optional,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not os.environ.get("PAIR"), reason="make test-pair"),
]
MATRIX = """\
pythons: ["3.13.5"]
distros: [debian13, debian12]
arches: [{arch}]
optimize: none
channel: dev
"""


@pytest.fixture
def environment(s3_server, redis_url, engine_url, tmp_path):
    return environment_of(s3_server, redis_url, engine_url, tmp_path)


@pytest.fixture
def builders(environment, tmp_path):
    """Two workers of one slot each; what they hear of is the broker and the engine."""
    hidden = ("FARM_STORE", "FARM_S3_", "FARM_BASE_URL")
    known = {name: value for name, value in environment.items() if not name.startswith(hidden)}
    started = []
    for number in (1, 2):
        with (tmp_path / f"builder-{number}.log").open("wb") as log:
            own = known | {"FARM_STATE": str(tmp_path / f"state-{number}"), "FARM_JOBS": "1"}
            argv = [sys.executable, "-m", "workers", "worker", "--slots", "1"]
            started.append(subprocess.Popen(argv, cwd=CLONE, env=own, stdout=log, stderr=log))
    yield started
    for child in started:
        child.terminate()
    for child in started:
        child.wait(60)


def workers(environment):
    return json.loads(run_farm(environment, "workers", "--json").stdout)


def test_two_builders_build_two_cells_at_once(environment, builders, host_arch, tmp_path):
    (tmp_path / "matrix.yaml").write_text(MATRIX.format(arch=host_arch))
    ends = time.monotonic() + 60
    while len(workers(environment)) < 2:
        assert time.monotonic() < ends, "the builders do not show themselves"
        time.sleep(0.5)
    words = ("submit", str(tmp_path / "matrix.yaml"), "--without-worker", "--json")
    done = run_farm(environment, *words, timeout=3000)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    run = json.loads(done.stdout)["run"]
    bucket = environment["FARM_STORE"].removeprefix("s3://").partition("/")[0]
    settings = S3Settings(endpoint=environment["FARM_S3_ENDPOINT"], access_key=ADMIN[0], secret_key=ADMIN[1])
    store = S3Store(bucket, PREFIX, settings)
    records = Journal(store, run).records().values()
    attempts = [(record.attempts[0].worker, record.attempts[0].granted, record.endings[1].at) for record in records]
    (first, began, ended), (second, began_too, ended_too) = attempts
    assert first != second, "one builder built both"
    assert max(began, began_too) < min(ended, ended_too), "they were built one after the other"
    assert sorted(str(build.cell) for build in catalog.published(store)) == [
        f"3.13.5-debian12-{host_arch}",
        f"3.13.5-debian13-{host_arch}",
    ]
    assert list(store.list("staging/")) == []
    checked = run_farm(environment, "verify-store", timeout=900)
    assert checked.returncode == 0, checked.stdout[-3000:] + checked.stderr[-1000:]
