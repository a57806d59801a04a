"""The faults: what is done, and what the farm promises then. The table of docs/reliability.md has a row for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos import servers, strikes
from tests.chaos.site import Site
from tests.chaos.witness import sometimes

STEPS = (
    *("start", "sources", "images", "unpack", "configure", "make shared", "install"),
    *("link static", "split debug", "export", "relocate", "pack", "verify", "stage"),
)


@dataclass(frozen=True)
class Fault:
    """One row of the table. `short`: also part of `make test`, which has no engine of its own to hurt.

    Those of one `group` strike the same runs, by turns. After what hits all builders at once (`on_all`), or two strikes without
    a published cell between them, one is waited for. What goes on for a whole run (`all_along`) is one try of it. Where no
    builder is hurt (`spares`), none may be taken for dead.
    """

    name: str
    promise: str
    strike: strikes.Strike
    short: bool = False
    group: str = ""
    before: Callable[[Site], None] = lambda _site: None
    after: Callable[[Site], None] = lambda _site: None
    by_submit: bool = False
    on_all: bool = False
    all_along: bool = False
    spares: bool = False


def in_every_step() -> Iterator[Fault]:
    promise = "the attempt is taken for lost after two leases and made again; its box ends by itself"
    for step in STEPS:
        yield Fault(
            f"worker kill -9 in '{step}'",
            promise,
            strikes.kill_worker_in(step),
            short=step in ("make shared", "stage"),
            group="steps",
        )


def in_trouble(trouble: str, share: float, *, for_s: float = 6, **which: str) -> strikes.Strike:
    return servers.trouble(lambda rng: sometimes(trouble, share, rng, **which), for_s)


def of_store(name: str, promise: str, strike: strikes.Strike, *, short: bool = False) -> Fault:
    return Fault(name, promise, strike, short=short, group="store", spares=True)


AGAIN = "what is in flight is found out again from the store"
REFUSED_CLOCK = "the S3 server refuses it, it says why, and the run waits for a right one"
TWICE = servers.Repeater()
WAITS = "nobody is blamed while the store is away: what was built waits, or is built again"
FAULTS: tuple[Fault, ...] = (
    *in_every_step(),
    Fault(
        "pool child kill -9",
        "as a killed worker; the others of its cells go on",
        strikes.kill_child,
        short=True,
        group="worker",
    ),
    Fault(
        "engine kill -9 and restarted",
        "attempts in it are made again, and no box outlives it",
        strikes.restart_engine,
        group="engine",
        on_all=True,
    ),
    Fault(
        "engine's disk full",
        "the attempt failed in passing, for it was not the cell's fault",
        strikes.fill_engine,
        group="engine",
        on_all=True,
    ),
    Fault(
        "worker's disk full",
        "the attempt failed in passing, for it was not the cell's fault",
        strikes.fill_worker,
        group="worker",
        before=strikes.small_disk,
        after=strikes.usual_disk,
    ),
    Fault("Redis kill -9 and restarted", AGAIN, servers.kill_redis, short=True, group="redis", spares=True),
    Fault("Redis flushed", AGAIN, servers.flush_redis, short=True, group="redis", spares=True),
    Fault(
        "Redis silent for two leases",
        "builds go on, and nobody is taken for dead who could not be heard",
        servers.silence_redis,
        group="redis",
        spares=True,
    ),
    of_store("store kill -9 and restarted", WAITS, servers.restart_store),
    of_store("store unreachable", WAITS, in_trouble("drop", 1.0)),
    of_store("store slow", "it takes longer", in_trouble("slow", 0.3)),
    of_store("store answers 500", WAITS, in_trouble("500", 0.5), short=True),
    of_store(
        "store's answers lost",
        "a write that was done is not done again",
        in_trouble("500 after", 0.5, methods="PUT DELETE"),
        short=True,
    ),
    of_store(
        "staged upload truncated",
        "it is found out, and staged or built again",
        in_trouble("truncate", 1.0, for_s=0, methods="PUT", keys="staging/"),
        short=True,
    ),
    of_store(
        "published upload truncated",
        "it is found out, and uploaded again",
        in_trouble("truncate", 0.5, for_s=0, methods="PUT", keys="artifacts/"),
    ),
    Fault(
        "every message twice",
        "a message is only a wake-up: the grant decides",
        TWICE.strike,
        before=TWICE.start,
        after=TWICE.stop,
        spares=True,
    ),
    Fault(
        "two schedulers",
        "an attempt, an outcome and a publication exist once in the store",
        strikes.second_scheduler,
        before=strikes.both_schedulers,
        after=strikes.stop_second,
        all_along=True,
        spares=True,
    ),
    Fault(
        "two publishers",
        "they write the same under the same names, once",
        strikes.hold_publisher,
        before=strikes.two_publishers,
        after=strikes.stop_publishers,
        spares=True,
    ),
    Fault(
        "publisher kill -9 while it publishes",
        "the next one goes on from what is written",
        strikes.kill_publisher,
        short=True,
        group="any",
    ),
    Fault(
        "farm submit kill -9",
        "a scheduler goes on with the run",
        strikes.kill_submit,
        group="clocks",
        by_submit=True,
        all_along=True,
        spares=True,
    ),
    Fault("everything kill -9 at once", AGAIN, strikes.kill_everything, group="any", on_all=True),
    *(
        Fault(
            f"worker an hour {where}",
            "builders' clocks decide nothing",
            strikes.is_off(number),
            group="clocks",
            before=strikes.off_by(number, shift),
            after=strikes.right_again(number),
            all_along=True,
            spares=True,
        )
        for number, (where, shift) in enumerate((("ahead", "+1h"), ("behind", "-1h")))
    ),
    Fault("scheduler an hour ahead or behind", REFUSED_CLOCK, strikes.skew_scheduler, spares=True),
)
