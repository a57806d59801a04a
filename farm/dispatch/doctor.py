"""What `farm doctor` itself looks at: settings, folders, Redis, the store, the signing key, clocks."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from farm.errors import BrokerUnavailable, FarmError
from farm.plan.facts import load_facts
from farm.sign.keys import signing
from farm.store import layout
from farm.store.open import open_store
from farm.store.probe import reach
from farm.wire.address import without_secret
from farm.wire.health import disk, doubtful, fine, skipped, wrong
from farm.wire.mailbox import BuilderMail, SchedulerMail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farm.settings import Settings
    from farm.wire.health import Health

_SKEW_S = 60  # presigned addresses and attempts bear more; what is that far off is not synchronised
_SKEW_REFUSED_S = 900
_ENDPOINT_S = 10
_SPOOL_GB = 2.0  # who publishes has all archives of a build there: 0.2 of each (costs.toml), and several runs publish at once


def checks(settings: Settings, clock: Callable[[], float] = time.time) -> Iterator[Health]:
    """Everything, one after the other. Raises nothing: what fails is a finding."""
    yield facts(settings)
    yield state(settings)
    yield disk("work disk", Path(tempfile.gettempdir()), _SPOOL_GB, "TMPDIR names another folder")
    yield from broker(settings, clock)
    yield store(settings)
    yield store_clock(settings, clock)
    yield signing_key(settings)


def facts(settings: Settings) -> Health:
    """Whether the facts load, one's own among them."""
    try:
        found = load_facts(settings.facts)
    except FarmError as error:
        return wrong("facts", error.message, error.hint)
    own = f", {settings.facts} laid over ours" if settings.facts else ""
    return fine("facts", f"{len(found.sources)} Pythons, {len(found.distros)} distros{own}")


def state(settings: Settings) -> Health:
    """Whether the state folder takes files."""
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.state):
            pass
    except OSError as error:
        return wrong("state", f"{settings.state} cannot be written: {error.strerror}", "FARM_STATE names another folder")
    return fine("state", f"{settings.state} can be written")


def broker(settings: Settings, clock: Callable[[], float]) -> Iterator[Health]:
    """Whether Redis answers, keeps what it is given, and has our time."""
    if not settings.broker_url:
        yield skipped("broker", "FARM_BROKER_URL is not set: `farm submit` starts a private one")
        return
    mail = SchedulerMail.of(settings)
    try:
        vitals = mail.vitals()
        scheduler, workers = mail.has_scheduler(), mail.workers()
    except BrokerUnavailable as error:
        yield _away(error)
        return
    finally:
        mail.close()
    yield fine("broker", f"{vitals.name} {vitals.version} answers at {without_secret(settings.broker_url)}")
    yield _eviction(vitals.eviction)
    yield _kept(vitals.aof)
    yield _skew("broker clock", "Redis", vitals.time - clock())
    if not scheduler:
        yield doubtful(
            "scheduler", "none shows itself", "start `farm scheduler`: nobody else drives a run of `submit --no-wait`"
        )
    else:
        yield fine("scheduler", "one shows itself")
    if workers:
        yield fine("workers", f"{len(workers)} with {sum(card.slots for card in workers)} slots")
    else:
        yield doubtful("workers", "none shows itself", "start `python -m workers worker` on a build host")


def broker_of_builder(settings: Settings, clock: Callable[[], float]) -> Iterator[Health]:
    """Whether a worker's Redis answers it, and has our time: its user may ask for no more."""
    if not settings.broker_url:
        yield wrong("broker", "FARM_BROKER_URL is not set: a worker takes its work from there", "set it to the farm's Redis")
        return
    mail = BuilderMail.of(settings)
    try:
        there = mail.server_time()
    except BrokerUnavailable as error:
        yield _away(error)
        return
    finally:
        mail.close()
    yield fine("broker", f"it answers at {without_secret(settings.broker_url)}")
    yield _skew("broker clock", "Redis", there - clock())


def _away(error: BrokerUnavailable) -> Health:
    todo = "start Redis, or correct FARM_BROKER_URL (FARM_CA_BUNDLE with rediss://); `redis-cli -u URL ping` tries it by hand"
    return wrong("broker", error.message, todo)


def _eviction(policy: str) -> Health:
    if policy in {"noeviction", ""}:  # '' is a user who may not ask
        return fine("broker memory", f"maxmemory-policy is {policy or 'not shown to this user'}")
    return wrong(
        "broker memory",
        f"maxmemory-policy is {policy}: Redis throws queued work away when it is full",
        "set maxmemory-policy noeviction in redis.conf",
    )


def _kept(aof: bool) -> Health:
    if aof:
        return fine("broker file", "the append-only file is on")
    return doubtful(
        "broker file",
        "the append-only file is off: a restart forgets what is queued",
        "set appendonly yes; nothing is lost without it, only sent again",
    )


def _skew(check: str, whose: str, skew_s: float) -> Health:
    said = f"{whose} and this host differ by {abs(skew_s):.0f} s"
    todo = "synchronise clocks: systemctl enable --now systemd-timesyncd, or chrony"
    if abs(skew_s) >= _SKEW_REFUSED_S:
        return wrong(check, said, todo)
    return doubtful(check, said, todo) if abs(skew_s) >= _SKEW_S else fine(check, said)


def store(settings: Settings) -> Health:
    """Whether the store answers, is one of ours, and takes what is written. An empty one stays as it is."""
    try:
        opened = open_store(settings)
        if not layout.check(opened):
            todo = "`farm store check` tries all that the farm relies on"
            return doubtful("store", f"{opened.name} answers, and is empty: nothing was written to see whether it may be", todo)
        reach(opened)
    except FarmError as error:
        return wrong("store", error.message, error.hint or "correct FARM_STORE and FARM_S3_*")
    return fine("store", f"{opened.name} answers, has our layout, and takes and gives up an object")


def store_clock(settings: Settings, clock: Callable[[], float]) -> Health:
    """Whether the S3 server has our time: it refuses requests that are a quarter of an hour off."""
    if not settings.store.startswith("s3://"):
        return skipped("store clock", "the store is a folder")
    where = settings.s3.endpoint or f"https://s3.{settings.s3.region}.amazonaws.com"
    try:
        answer = requests.head(where, timeout=_ENDPOINT_S, verify=settings.ca_bundle or True)
        there = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (requests.RequestException, KeyError, ValueError) as error:
        return doubtful(
            "store clock", f"{where} does not tell its time: {type(error).__name__}", "is it an S3 server's address?"
        )
    return _skew("store clock", "the store", there - clock())


def signing_key(settings: Settings) -> Health:
    """Whether the signing key is one, and nobody else's."""
    if not settings.signing_key:
        return skipped("signing key", "FARM_SIGNING_KEY is not set: nothing is signed here")
    try:
        signing(settings)
        mode = settings.signing_key.stat().st_mode
    except (FarmError, OSError) as error:
        return wrong("signing key", str(error), "`farm keys new` makes one; FARM_SIGNING_KEY names its file")
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and os.name == "posix":
        return wrong("signing key", f"others may read {settings.signing_key}", f"chmod 600 {settings.signing_key}")
    return fine("signing key", f"{settings.signing_key} is a key, and only its owner reads it")
