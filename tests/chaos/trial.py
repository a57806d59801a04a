"""One run of small cells under one fault, struck again and again at random moments, and what came of it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from farm.store.scratch import PARTS
from tests.chaos.judge import Verdict, audited, begun, judge, left_in_store
from tests.chaos.services import forgotten
from tests.chaos.site import Site, until
from tests.chaos.traces import text

if TYPE_CHECKING:
    import random

    from tests.chaos.faults import Fault

_RUN_S = 1500  # on an idle machine a minute or two: it is only there to end a run that hangs
_LEFT_S = 45


@dataclass(frozen=True)
class Row:
    """A row of the table. `recovery` are seconds from the end of a strike to the next cell that was published."""

    fault: str
    promise: str
    tries: int
    verdict: Verdict
    recovery: tuple[float, ...]
    seconds: float


def run(site: Site, faults: list[Fault], tries: int, rng: random.Random) -> list[Row]:
    """One run, in which each of the faults is tried so often; more runs where one is over too soon."""
    hits = {fault.name: 0 for fault in faults}
    times: dict[str, list[float]] = {fault.name: [] for fault in faults}
    verdicts: list[Verdict] = []
    began = time.monotonic()
    for _ in range(4 * tries):
        strikes, verdict = _one_run(site, faults, hits, tries, rng)
        verdicts.append(verdict)
        for name, ended in strikes:
            after = published(site, ended)
            times[name] += [min(after) - ended] if after else []
        if all(count >= tries for count in hits.values()) or not verdict.good:
            break
    verdict = merged(verdicts)
    seconds = time.monotonic() - began
    return [Row(one.name, one.promise, hits[one.name], verdict, tuple(times[one.name]), seconds) for one in faults]


def _one_run(
    site: Site, faults: list[Fault], hits: dict[str, int], tries: int, rng: random.Random
) -> tuple[list[tuple[str, float]], Verdict]:
    """When each strike was over, and the verdict."""
    site.fresh()
    with ExitStack() as stack:
        for fault in faults:
            stack.callback(fault.after, site)
            fault.before(site)
        strikes = _drive(site, faults, hits, tries, rng)
        say(f"the run is over; {hits_of(hits, tries)}")
        left = settle(site)
        say("nothing is left" if not left else f"left: {left}")
        errors = audited(site.farm("verify-store", "--json"))
        say("the store is audited")
        spared = begun(text(worker.log) for worker in site.workers) if all(fault.spares for fault in faults) else None
        verdict = judge(site.cells, site.prefix, site.witness.seen, site.objects(), left, errors, spared=spared)
    site.clear_files()
    say("and judged: " + ("good" if verdict.good else f"{verdict}"))
    return strikes, verdict


def say(line: str) -> None:
    """How far it is: `make chaos` takes a while."""
    print(time.strftime("%H:%M:%S"), line, flush=True)  # noqa: T201 - for whoever waits


def hits_of(hits: dict[str, int], tries: int) -> str:
    return f"{sum(min(count, tries) for count in hits.values())} of {tries * len(hits)} tries are made"


def merged(verdicts: list[Verdict]) -> Verdict:
    return Verdict(
        *(tuple(item for one in verdicts for item in getattr(one, name)) for name in (part.name for part in fields(Verdict)))
    )


def _drive(site: Site, faults: list[Fault], hits: dict[str, int], tries: int, rng: random.Random) -> list[tuple[str, float]]:
    """Ask for a run, strike while it goes on, and wait for its end; gives when each strike was over."""
    if any(fault.by_submit for fault in faults):
        site.submitter.start()
        until(lambda: site.keys("asked/"), "the run is asked for", 60)
    else:
        site.submit()
    strikes: list[tuple[str, float]] = []
    while (open_faults := _to_try(faults, hits, tries, strikes)) and _left(site) > site.slots * site.workers_count:
        fault, began = rng.choice(open_faults), time.monotonic()
        hit = fault.strike(site, rng)
        say(f"{fault.name}: {'hit' if hit else 'missed'} in {time.monotonic() - began:.1f} s")
        if hit:
            hits[fault.name] += 1
            fruitless = bool(strikes) and not published(site, strikes[-1][1])
            strikes.append((fault.name, time.time()))
            if fault.on_all or fruitless:
                _recovered(site, strikes[-1][1])
    until(lambda: _over(site), "the run ends", _RUN_S)
    return strikes


def _left(site: Site) -> int:
    """How many cells are not published. The last ones are left alone: no other would be struck, again and again."""
    return site.count - len(published(site, 0))


def _to_try(faults: list[Fault], hits: dict[str, int], tries: int, strikes: list[tuple[str, float]]) -> list[Fault]:
    """What was not tried often enough, without what was tried in this run already and is one try of it."""
    struck = {name for name, _ in strikes}
    return [one for one in faults if hits[one.name] < tries and not (one.all_along and one.name in struck)]


def _recovered(site: Site, since: float) -> None:
    """Wait until a cell is published or the run is over: a host that only ever fails is quarantined, and rightly."""
    until(lambda: any(published(site, since)) or _over(site), "a cell is published", _RUN_S)


def published(site: Site, since: float) -> list[float]:
    """When catalog entries were written since then."""
    return [one.at for one in site.witness.under(f"{site.prefix}/catalog/") if one.wrote and one.at > since]


def _over(site: Site) -> bool:
    for service in (site.schedulers[0], *site.workers):
        site.ensure(service)
    return not site.keys("open/")


def settle(site: Site) -> list[str]:
    """Wait until nothing is left any more, and give what is left all the same."""
    site.farm("runs")  # the next command, whatever it is, clears what a killed one left
    ends = time.monotonic() + _LEFT_S
    while (left := leftovers(site)) and time.monotonic() < ends:
        time.sleep(0.5)
    return left


def leftovers(site: Site) -> list[str]:
    """Containers, volumes, staging objects, grants, and files."""
    containers = site.engine.left(site.cells.names if type(site.engine).__name__ == "Containers" else ())
    folders = [*(site.folder / "tmp").glob("*"), *site.cache.glob(PARTS)]
    files = [path for folder in folders for path in forgotten(folder)]
    notes = (site.folder / "state" / "running").glob("*")
    paths = [*files, *notes]
    return [*containers, *left_in_store(site.keys()), *(f"file {path.relative_to(site.folder.parent)}" for path in paths)]
