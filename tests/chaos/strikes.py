"""What is done to a farm, for real. A strike says whether it hit its victim: a try counts only then."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.engines import PrivateEngine
from tests.chaos.services import BALLAST, Service, fill
from tests.chaos.site import Site
from tests.chaos.traces import FULL_DISK, Traces
from tests.chaos.victims import Watchful, attempts_of

if TYPE_CHECKING:
    from tests.chaos.witness import Seen

CLOCK = "this host's clock and the server's differ"
_ON_ITS_WAY_S = 0.3  # a request that was sent when its sender was stopped is answered by then
_ARCHIVE = re.compile(r"/artifacts/([^/]+)/([^/]+)/([^/]+)/(\d{10})/")
_ENTRY = re.compile(r"/catalog/([^/]+)/(\d{10})\.")
_REFUSED = 412  # a condition did not hold: somebody else has written that object
Strike = Callable[[Site, random.Random], bool]


def is_busy(site: Site) -> bool:
    """Whether cells are built just now: a fault in an idle farm proves nothing."""
    return any(attempts_of(worker) for worker in site.workers)


def await_busy(site: Site) -> bool:
    return site.met(lambda: is_busy(site), 40)


def kill_worker_in(step: str) -> Strike:
    """kill -9 of a whole worker while a slot of it is in that step; it is started again at once."""

    def strike(site: Site, _rng: random.Random) -> bool:
        victim = Watchful(site).caught(step)
        if victim is None:
            return False
        victim.worker.kill()
        victim.worker.start()
        return True

    return strike


def kill_child(site: Site, rng: random.Random) -> bool:
    """kill -9 of one slot, as when the kernel runs out of memory."""
    time.sleep(rng.uniform(0, 1))
    victim = Watchful(site).caught()
    if victim is None:
        return False
    os.kill(victim.pid, signal.SIGKILL)
    return True


def restart_engine(site: Site, rng: random.Random) -> bool:
    assert isinstance(site.engine, PrivateEngine)
    time.sleep(rng.uniform(0, 3))
    hit = await_busy(site)
    site.engine.kill()
    time.sleep(rng.uniform(0, 4))
    site.engine.restart()
    return hit


def fill_engine(site: Site, rng: random.Random) -> bool:
    assert isinstance(site.engine, PrivateEngine)
    time.sleep(rng.uniform(0, 2))
    traces, hit = Traces(site), await_busy(site)
    site.engine.fill()
    time.sleep(rng.uniform(4, 8))
    site.engine.free()
    return hit and site.met(lambda: traces.tell(FULL_DISK), 20)


def fill_worker(site: Site, rng: random.Random) -> bool:
    """The folder for temporary files of one worker has no byte left."""
    worker = site.workers[0]
    if not site.met(lambda: attempts_of(worker), 40):
        return False
    traces = Traces(site)
    fill(worker.tmp)
    time.sleep(rng.uniform(4, 8))
    (worker.tmp / BALLAST).unlink()
    return site.met(lambda: traces.tell(FULL_DISK), 20)


def small_disk(site: Site) -> None:
    worker = site.workers[0]
    worker.stop()
    worker.tmp.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "chaos", str(worker.tmp)], check=True)
    worker.start()


def usual_disk(site: Site) -> None:
    worker = site.workers[0]
    worker.stop()
    subprocess.run(["umount", "--lazy", str(worker.tmp)], check=True)
    worker.start()


def second_scheduler(site: Site, rng: random.Random) -> bool:
    """Another scheduler drives the same run, and an attempt is granted while both do."""
    time.sleep(rng.uniform(0, 2))
    if not site.met(lambda: _drives(site.schedulers[1]), 30):
        return False
    mark = len(site.witness.seen)
    return site.met(lambda: any(one.wrote and "/attempts/" in one.key for one in site.witness.seen[mark:]), 30)


def _drives(scheduler: Service) -> bool:
    return "driving it" in scheduler.log.read_text() if scheduler.log.exists() else False


def both_schedulers(site: Site) -> None:
    """Both take the run up at the same moment: the sign that somebody drives it is hidden from the second."""
    site.schedulers[1].log.unlink(missing_ok=True)
    over = threading.Event()

    def hide() -> None:
        client = site.client()
        while not over.is_set() and not _drives(site.schedulers[1]):
            for key in client.scan_iter("farm:run:*"):
                client.delete(key)
            time.sleep(0.005)

    site.schedulers[1].start()
    threading.Thread(target=hide, daemon=True).start()


def stop_second(site: Site) -> None:
    site.schedulers[1].stop()


def two_publishers(site: Site) -> None:
    """The scheduler publishes no more; two processes do that know of no Redis."""
    scheduler = site.schedulers[0]
    scheduler.stop()
    scheduler.environment["FARM_PUBLISHER"] = "service"
    scheduler.start()
    for publisher in site.publishers:
        del publisher.environment["FARM_BROKER_URL"]
        publisher.start()


def stop_publishers(site: Site) -> None:
    for publisher in site.publishers:
        publisher.stop()


def hold_publisher(site: Site, rng: random.Random) -> bool:
    """One of two is held in the middle of a publication, and goes on when the other one has published the same."""
    mark = len(site.witness.seen)
    if not await_publishing(site):
        return False
    held = rng.choice(site.publishers)
    os.kill(held.pid, signal.SIGSTOP)
    time.sleep(rng.uniform(1, 4))
    os.kill(held.pid, signal.SIGCONT)

    def refused() -> bool:
        wrote = ("/artifacts/", "/catalog/")
        return any(one.status == _REFUSED and any(part in one.key for part in wrote) for one in site.witness.seen[mark:])

    return site.met(refused, 20)


def await_publishing(site: Site) -> bool:
    """Wait until a publication has begun."""
    mark = len(site.witness.seen)

    def publishing() -> bool:
        return any(one.wrote and "/artifacts/" in one.key for one in site.witness.seen[mark:])

    return site.met(publishing, 60)


def kill_publisher(site: Site, rng: random.Random) -> bool:
    """kill -9 of the scheduler between two writes of one publication; it is started again.

    It is stopped first, and only dies if what it has begun to publish is in no catalog yet.
    """
    mark = len(site.witness.seen)
    if not await_publishing(site):
        return False
    time.sleep(rng.uniform(0, 0.1))
    scheduler = site.schedulers[0]
    os.kill(scheduler.pid, signal.SIGSTOP)
    time.sleep(_ON_ITS_WAY_S)
    if not half_published(site.witness.seen[mark:]):
        os.kill(scheduler.pid, signal.SIGCONT)
        return False
    scheduler.kill()
    scheduler.start()
    return True


def half_published(seen: list[Seen]) -> set[tuple[str, str]]:
    """Cells and their builds of which an archive was written, and no catalog entry."""
    wrote = [one.key for one in seen if one.wrote]
    begun = {(f"{m[2]}-{m[1]}-{m[3]}", m[4]) for key in wrote if (m := _ARCHIVE.search(key))}
    return begun - {(m[1], m[2]) for key in wrote if (m := _ENTRY.search(key))}


def kill_submit(site: Site, rng: random.Random) -> bool:
    """kill -9 of the `farm submit` that drives the run, which can be done once in a run; then it is a scheduler's turn."""
    time.sleep(rng.uniform(0, 4))
    hit = await_busy(site)
    if site.submitter.process is None or site.submitter.process.poll() is not None:
        return False
    site.submitter.kill()
    return hit


def kill_everything(site: Site, rng: random.Random) -> bool:
    time.sleep(rng.uniform(0, 4))
    hit = await_busy(site)
    for service in (*site.schedulers, *site.workers, site.redis, site.store):
        service.kill()
    if isinstance(site.engine, PrivateEngine):
        site.engine.kill()
        site.engine.restart()
    site.redis.start()
    site.store.start()
    site.await_store()
    site.schedulers[0].start()
    for worker in site.workers:
        worker.start()
    return hit


def start_off_by(service: Service, shift: str) -> None:
    """Start a process with a clock that is off. What counts seconds since boot is right: else no wait of it would end.

    It is the process itself that is killed then, and not faketime, whose child it would be.
    """
    said = subprocess.run(["faketime", "-f", shift, "env"], check=True, capture_output=True, text=True).stdout
    told = dict(line.split("=", 1) for line in said.splitlines() if line.startswith(("LD_PRELOAD=", "FAKETIME=")))
    right = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": str(Path(__file__).with_name("off"))}
    service.start(**told, **right, FAKETIME_DONT_RESET="1")


def off_by(number: int, shift: str) -> Callable[[Site], None]:
    """That worker's clock is off for the whole run."""

    def before(site: Site) -> None:
        site.workers[number].stop()
        start_off_by(site.workers[number], shift)

    return before


def skew_scheduler(site: Site, rng: random.Random) -> bool:
    """The scheduler comes back with a clock that is off, is refused and says why; then it comes back with the right one."""
    time.sleep(rng.uniform(0, 3))
    scheduler, hit = site.schedulers[0], await_busy(site)
    scheduler.kill()
    mark = len(scheduler.log.read_text())
    start_off_by(scheduler, rng.choice(("+1h", "-1h")))
    said = site.met(lambda: CLOCK in scheduler.log.read_text()[mark:], 30)
    scheduler.kill()
    scheduler.start()
    return hit and said


def right_again(number: int) -> Callable[[Site], None]:
    def after(site: Site) -> None:
        site.workers[number].stop()
        site.workers[number].start()

    return after


def is_off(number: int) -> Strike:
    """It builds, with that clock."""

    def strike(site: Site, rng: random.Random) -> bool:
        time.sleep(rng.uniform(1, 3))
        return site.met(lambda: attempts_of(site.workers[number]), 40)

    return strike
