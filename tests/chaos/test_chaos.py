"""`make chaos`: every fault, TRIES times each, in runs of twenty small cells; writes the table of docs/reliability.md."""

import os
import platform
import random
import shutil
import time
from pathlib import Path

import pytest

from tests.chaos import table, trial
from tests.chaos.cells import DISTRO, LIKE
from tests.chaos.engines import PrivateEngine, images_of, loaded
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.site import Site

TRIES = int(os.environ.get("TRIES", "3"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
CELLS = 20
GROUPS: dict[str, list[Fault]] = {}
for one in FAULTS:
    GROUPS.setdefault(one.group or one.name.replace(" ", "-"), []).append(one)
ROWS = Path(os.environ.get("CHAOS_ROWS", "chaos-rows.json"))

pytestmark = [pytest.mark.chaos, pytest.mark.engine, pytest.mark.timeout(3600)]


@pytest.fixture(scope="session")
def site(tmp_path_factory, engine_url):
    """A farm with an engine of its own, which has the images of the session's engine."""
    assert os.geteuid() == 0, "the chaos suite restarts an engine and fills disks: it needs root"
    assert shutil.which("faketime"), "the chaos suite needs faketime (apt-get install faketime)"
    print(f"SEED={SEED} TRIES={TRIES}")  # noqa: T201 - to run it again with
    folder = tmp_path_factory.mktemp("chaos")
    engine = PrivateEngine(folder / "engine")
    made = Site(folder / "site", engine, folder / "cache", count=CELLS)
    try:
        if images := [*images_of(engine_url, f"base-{LIKE}"), *images_of(engine_url, DISTRO)]:
            loaded(engine_url, engine.url, images)
        made.open()
        yield made
    finally:
        made.close()
        engine.close()


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_nothing_is_lost_doubled_or_left(site, group):
    seed = f"{SEED}/{group[0].name}"
    rows = trial.run(site, group, TRIES, random.Random(seed))
    kept = [row for row in table.load(ROWS) if row.fault not in {row.fault for row in rows}]
    table.save([*kept, *rows], ROWS)
    assert all(row.verdict.good for row in rows), f"SEED={SEED}: {rows[0].verdict}"
    assert all(row.tries >= TRIES for row in rows), f"SEED={SEED}: a victim was not met in its step: {rows}"


def test_the_page_has_the_table():
    """Last: the page is written from what was seen, whatever it was."""
    order = [fault.name for fault in FAULTS]
    rows = sorted(table.load(ROWS), key=lambda row: order.index(row.fault))
    machine = f"{os.cpu_count()} cores ({platform.machine()})"
    seconds = {row.fault: row.seconds for row in rows}  # of the whole group's runs
    minutes = sum(max(seconds.get(fault.name, 0) for fault in faults) for faults in GROUPS.values()) / 60
    about = f"Seen on {time.strftime('%Y-%m-%d')} with {machine}, runs of {CELLS} cells, in {minutes:.0f} minutes, SEED={SEED}."
    if untried := [name for name in order if name not in {row.fault for row in rows}]:
        about += f" Not tried then: {', '.join(untried)}."
    page = table.written(table.PAGE.read_text(encoding="utf-8"), table.rendered(rows, about))
    table.PAGE.write_text(page, encoding="utf-8")
