"""The short form of the chaos suite: one run of twenty small cells on a real engine, with a fault every few seconds.

It is also two builders that build at once through Redis and an S3 server.
"""

import json
import random

import pytest

from tests.chaos import trial
from tests.chaos.cells import DISTRO, LIKE
from tests.chaos.engines import Containers, images_of
from tests.chaos.faults import FAULTS
from tests.chaos.site import Site
from tests.chaos.told import told

CELLS = 20

pytestmark = pytest.mark.engine


@pytest.fixture
def site(tmp_path, engine, engine_url, host_arch, box_image):
    """A farm on the session's engine, whose base image of today it takes under its own name."""
    for image in images_of(engine_url, f"base-{LIKE}-{host_arch}"):
        engine.tag(image, image.replace(LIKE, DISTRO))
    made = Site(tmp_path, Containers(engine_url), tmp_path / "cache", count=CELLS)
    made.open()
    yield made
    made.close()


def test_a_run_outlives_what_befalls_its_farm(site):
    seed = random.SystemRandom().randrange(1 << 31)
    faults = [fault for fault in FAULTS if fault.short]
    rows = trial.run(site, faults, 1, random.Random(seed))
    assert rows[0].verdict.good, f"seed {seed}: {rows[0].verdict}"
    assert all(row.tries for row in rows), f"seed {seed}: {rows}"
    assert built_at_once(site.objects("runs/")), "no two builders ever built at the same time"
    assert told(site) == [], f"seed {seed}"


def built_at_once(objects):
    """Whether attempts of two workers (not two slots of one) overlap, by their grants and their ends in the store."""
    spans = []
    for key, data in objects.items():
        if "/attempts/" not in key:
            continue
        stem = key.replace("/attempts/", "/outcomes/").removesuffix("json")
        ends = [json.loads(objects[name])["at"] for name in objects if name.startswith(stem)]
        note = json.loads(data)
        spans += [(note["granted"], end, note["worker"].rpartition(".")[0]) for end in ends]
    return any(a[2] != b[2] and a[0] < b[1] and b[0] < a[1] for a in spans for b in spans)
