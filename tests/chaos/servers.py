"""What is done to Redis and the store, for real, and to what is said through them."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import redis

from tests.chaos.site import LEASE_S, Site, came
from tests.chaos.strikes import Strike, await_busy
from tests.chaos.witness import Trouble, calm

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

QUEUE = "farm:build."


def kill_redis(site: Site, rng: random.Random) -> bool:
    time.sleep(rng.uniform(0, 3))
    hit = await_busy(site)
    site.redis.kill()
    time.sleep(rng.uniform(0, 2))
    site.redis.start()
    return hit


def flush_redis(site: Site, rng: random.Random) -> bool:
    time.sleep(rng.uniform(0, 4))
    hit = await_busy(site)
    site.client().flushall()
    return hit


def silence_redis(site: Site, _rng: random.Random) -> bool:
    hit = await_busy(site)
    os.kill(site.redis.pid, signal.SIGSTOP)
    time.sleep(2 * LEASE_S)
    os.kill(site.redis.pid, signal.SIGCONT)
    return hit


def trouble(make: Callable[[random.Random], Trouble], for_s: float, hits: int = 1) -> Strike:
    """The store in trouble for some seconds, and on until it has struck."""

    def strike(site: Site, rng: random.Random) -> bool:
        time.sleep(rng.uniform(0, 4))
        before = site.witness.struck()
        site.witness.trouble = make(rng)
        time.sleep(for_s)
        struck = came(lambda: site.witness.struck() >= before + hits, 20)
        site.witness.trouble = calm
        return struck

    return strike


def restart_store(site: Site, rng: random.Random) -> bool:
    time.sleep(rng.uniform(0, 3))
    hit = await_busy(site)
    site.store.kill()
    time.sleep(rng.uniform(2, 5))
    site.store.start()
    site.await_store()
    return hit


@contextmanager
def repeating(site: Site) -> Iterator[list[str]]:
    """Every message that is put into a queue of builders is put there once more; gives the ids of those it doubled."""
    doubled: list[str] = []
    over = threading.Event()
    watching = threading.Event()

    def listen() -> None:
        again = site.client()
        with site.client().monitor() as monitor:
            watching.set()
            while not over.is_set():
                try:
                    command = str(monitor.next_command()["command"])
                except redis.TimeoutError:
                    continue
                words = command.split(" ", 2)
                if words[0].upper() == "LPUSH" and words[1].startswith(QUEUE) and '"repeated"' not in command:
                    doubled.append(_again(again, words[1]))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    watching.wait(10)
    try:
        yield doubled
    finally:
        over.set()
        site.client().ping()  # it is a command: the listener wakes up
        listener.join(5)


def _again(client: redis.Redis, queue: str) -> str:
    """Put what lies in a queue (or what was just taken from it) there again."""
    lying = client.lrange(queue, 0, 0)
    taken = [json.loads(value)[0] for value in client.hvals("farm:unacked")]
    messages = [json.loads(one) for one in lying] or taken
    if not messages:
        return ""
    message = messages[-1]
    message.setdefault("properties", {})["repeated"] = True
    message["properties"]["delivery_tag"] = f"{message['properties']['delivery_tag']}-again"
    client.lpush(queue, json.dumps(message))
    return str(message["headers"]["id"])


def deliver_twice(site: Site, _rng: random.Random) -> bool:
    with repeating(site) as doubled:
        time.sleep(8)
        return came(lambda: any(doubled), 30)
