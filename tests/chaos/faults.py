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

    Those of one `group` strike the same runs, by turns. What hits all builders at once (`on_all`) strikes
    again only after a cell was published.
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


AGAIN = "what is in flight is found out again from the store"
REFUSED_CLOCK = "the S3 server refuses it, it says why, and the run waits for a right one"
WAITS = "nobody is blamed while the store is away: what was built waits, or is built again"
FAULTS: tuple[Fault, ...] = (
    *in_every_step(),
    Fault("pool child kill -9", "as a killed worker; the others of its cells go on", strikes.kill_child, short=True),
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
        before=strikes.small_disk,
        after=strikes.usual_disk,
    ),
    Fault("Redis kill -9 and restarted", AGAIN, servers.kill_redis, short=True, group="redis"),
    Fault("Redis flushed", AGAIN, servers.flush_redis, short=True, group="redis"),
    Fault(
        "Redis silent for two leases",
        "builds go on, and nobody is taken for dead who could not be heard",
        servers.silence_redis,
        group="redis",
    ),
    Fault("store kill -9 and restarted", WAITS, servers.restart_store, group="store"),
    Fault("store unreachable", WAITS, servers.trouble(lambda rng: sometimes("drop", 1.0, rng), 6), group="store"),
    Fault("store slow", "it takes longer", servers.trouble(lambda rng: sometimes("slow", 0.3, rng), 6), group="store"),
    Fault("store answers 500", WAITS, servers.trouble(lambda rng: sometimes("500", 0.5, rng), 6), short=True, group="store"),
    Fault(
        "store's answers lost",
        "a write that was done is not done again",
        servers.trouble(lambda rng: sometimes("500 after", 0.5, rng, methods="PUT DELETE"), 6),
        short=True,
        group="store",
    ),
    Fault(
        "staged upload truncated",
        "it is found out, and staged or built again",
        servers.trouble(lambda rng: sometimes("truncate", 1.0, rng, methods="PUT", keys="staging/"), 0),
        short=True,
        group="store",
    ),
    Fault(
        "published upload truncated",
        "it is found out, and uploaded again",
        servers.trouble(lambda rng: sometimes("truncate", 0.5, rng, methods="PUT", keys="artifacts/"), 0),
        group="store",
    ),
    Fault("every message twice", "a message is only a wake-up: the grant decides", servers.deliver_twice, group="any"),
    Fault(
        "two schedulers",
        "an attempt, an outcome and a publication exist once in the store",
        strikes.second_scheduler,
        before=strikes.both_schedulers,
        after=strikes.stop_second,
    ),
    Fault(
        "two publishers",
        "they write the same under the same names, once",
        strikes.hold_publisher,
        before=strikes.two_publishers,
        after=strikes.stop_publishers,
    ),
    Fault(
        "publisher kill -9 while it publishes",
        "the next one goes on from what is written",
        strikes.kill_publisher,
        short=True,
        group="any",
    ),
    Fault("farm submit kill -9", "a scheduler goes on with the run", strikes.kill_submit, by_submit=True),
    Fault("everything kill -9 at once", AGAIN, strikes.kill_everything, group="any", on_all=True),
    Fault(
        "worker an hour ahead",
        "builders' clocks decide nothing",
        strikes.is_off,
        before=strikes.off_by("+1h"),
        after=strikes.plain_again,
    ),
    Fault(
        "worker an hour behind",
        "builders' clocks decide nothing",
        strikes.is_off,
        before=strikes.off_by("-1h"),
        after=strikes.plain_again,
    ),
    Fault("scheduler an hour ahead or behind", REFUSED_CLOCK, strikes.skew_scheduler),
)
