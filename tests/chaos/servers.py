"""What is done to Redis and the store, for real, and to what is said through them."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import redis

from tests.chaos.site import LEASE_S, Site
from tests.chaos.strikes import Strike, await_busy
from tests.chaos.traces import NO_LEAVE, Traces
from tests.chaos.witness import Trouble, calm

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

QUEUE = "farm:build."
_GIVEN_UP_S = 10  # a client that had no answer for so long takes Redis for unreachable


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


def silence_redis(site: Site, rng: random.Random) -> bool:
    """It answers nobody for two leases, and for so long that whoever asks gives up, too."""
    time.sleep(rng.uniform(0, 3))
    hit = await_busy(site)
    os.kill(site.redis.pid, signal.SIGSTOP)
    time.sleep(max(2 * LEASE_S, _GIVEN_UP_S) + rng.uniform(1, 3))
    os.kill(site.redis.pid, signal.SIGCONT)
    return hit


def trouble(make: Callable[[random.Random], Trouble], for_s: float, hits: int = 1) -> Strike:
    """The store in trouble for some seconds, and on until it has struck."""

    def strike(site: Site, rng: random.Random) -> bool:
        time.sleep(rng.uniform(0, 4))
        before = site.witness.struck()
        site.witness.trouble = make(rng)
        time.sleep(for_s)
        struck = site.met(lambda: site.witness.struck() >= before + hits, 20)
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


@dataclass
class Repeater:
    """Every message that is put into a queue of builders is put there once more, from `start` to `stop`."""

    doubled: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _listener: threading.Thread | None = None

    def start(self, site: Site) -> None:
        watching = threading.Event()
        self.doubled.clear()
        self._over.clear()
        self._listener = threading.Thread(target=self._listen, args=(site, watching), daemon=True)
        self._listener.start()
        assert watching.wait(10)

    def stop(self, site: Site) -> None:
        assert self._listener
        self._over.set()
        site.client().ping()  # it is a command: the listener wakes up
        self._listener.join(5)

    def strike(self, site: Site, _rng: random.Random) -> bool:
        """A message was doubled, and somebody who took one had no leave to build."""
        traces, before = Traces(site), len(self.doubled)
        return site.met(lambda: len(self.doubled) > before and traces.tell(NO_LEAVE), 30)

    def _listen(self, site: Site, watching: threading.Event) -> None:
        again = site.client()
        with site.client().monitor() as monitor:
            watching.set()
            while not self._over.is_set():
                try:
                    command = str(monitor.next_command()["command"])
                except redis.TimeoutError:
                    continue
                words = command.split(" ", 2)
                if words[0].upper() == "LPUSH" and words[1].startswith(QUEUE) and '"repeated"' not in command:
                    self.doubled += _again(again, words[1])


def _again(client: redis.Redis, queue: str) -> list[str]:
    """Put what lies in a queue (or what was just taken from it) there again; the id of the message, if there was one."""
    lying = client.lrange(queue, 0, 0)
    taken = [json.loads(value)[0] for value in client.hvals("farm:unacked")]
    messages = [json.loads(one) for one in lying] or taken
    if not messages:
        return []
    message = messages[-1]
    message.setdefault("properties", {})["repeated"] = True
    message["properties"]["delivery_tag"] = f"{message['properties']['delivery_tag']}-again"
    client.lpush(queue, json.dumps(message))
    return [str(message["headers"]["id"])]
