"""A bucket whose server ignores conditions, made safe by a lock: whoever writes conditionally holds it.

The lock needs no condition either. A ticket is an object with a name of its own; who wrote one and then lists no other has the
lock, else takes it back and tries later. Of two, the one that lists last sees both tickets, so they never both hold it,
as long as a listing shows what was written before it (`farm store check` looks). A ticket that does not change for a lease is a
dead process's. What is left open is a process that is frozen for longer than a lease between looking and writing; a server that
honours conditions has no such gap.
"""

from __future__ import annotations

import atexit
import os
import random
import secrets
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from farm.errors import Conflict, StoreUnavailable
from farm.store import run_keys
from farm.store.s3 import S3Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.settings import S3Settings
    from farm.store.protocol import Store

LEASE_S = 30.0
_PATIENCE_S = 120.0
_IDLE_S = 2.0  # kept that long after a write, because the next one is likely to come
_PAUSE_S = (0.05, 0.5)


class PublisherLock:
    """The leave of one process at a time to write to a store. Threads of a process share it, one after the other."""

    def __init__(self, store: Store, *, lease_s: float = LEASE_S, patience_s: float = _PATIENCE_S) -> None:
        """Not held yet. `store` is written to without conditions."""
        self._store, self._lease_s, self._patience_s = store, lease_s, patience_s
        self._name = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
        self._one = threading.Lock()  # held while something is written
        self._state = threading.Lock()  # held while the ticket is taken, renewed or given back
        self._renewed = float("-inf")  # when our ticket was last written, by the monotonic clock
        self._used = 0.0
        self._kept = False
        self._others: dict[str, tuple[str, float]] = {}  # ticket -> (its etag, since when we have seen that)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else writes meanwhile. Raises StoreUnavailable when somebody else holds it for longer than our patience."""
        with self._one:
            if not self._holding():
                self._take()
            try:
                yield
            finally:
                self._used = time.monotonic()
            if not self._holding():
                raise StoreUnavailable(
                    f"the lock of the store {self._store.name} was lost while something was written",
                    hint="the store did not answer for too long; it is tried again",
                )

    def _holding(self) -> bool:
        return time.monotonic() - self._renewed < self._lease_s / 2

    def _take(self) -> None:
        ends = time.monotonic() + self._patience_s
        with self._state:
            while others := self._rivals():
                if time.monotonic() > ends:
                    raise StoreUnavailable(
                        f"{others[0]} is the one publisher of the store {self._store.name} now",
                        hint="this store ignores conditional writes, so one process writes at a time: wait, or stop the other",
                    )
                time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311 - two that collided must not do so again
            if not self._kept:
                self._kept = True
                threading.Thread(target=self._keep, name="publisher-lock", daemon=True).start()
                atexit.register(self._drop)

    def _rivals(self) -> list[str]:
        """Take a ticket. Gives the others that are there, and then ours is taken back."""
        written = time.monotonic()
        self._store.put(run_keys.ticket(self._name), secrets.token_bytes(8))
        if others := self._living():
            self._drop()
        else:
            self._renewed = written
        return others

    def _living(self) -> list[str]:
        """The other tickets that somebody has changed within a lease, as we have seen it with our own clock."""
        now = time.monotonic()
        seen = {stat.key: stat.etag for stat in self._store.list(run_keys.tickets()) if stat.key != run_keys.ticket(self._name)}
        before, self._others = self._others, {}
        for key, etag in seen.items():
            known, since = before.get(key, ("", now))
            self._others[key] = (etag, since if known == etag else now)
        for key in [key for key, (_, since) in self._others.items() if now - since > self._lease_s]:
            self._store.delete(key)
            del self._others[key]
        return [key.rpartition("/")[2] for key in self._others]

    def _drop(self) -> None:
        self._renewed = float("-inf")
        with suppress(StoreUnavailable):  # then it is dead after a lease
            self._store.delete(run_keys.ticket(self._name))

    def _keep(self) -> None:
        """Renew the ticket while it is needed, then give it back."""
        while True:
            time.sleep(min(self._lease_s / 8, _IDLE_S))
            idle = self._one.acquire(blocking=False)
            try:
                with self._state:
                    if not self._holding() or (idle and time.monotonic() - self._used > _IDLE_S):
                        self._kept = False
                        atexit.unregister(self._drop)
                        self._drop()
                        return
                    self._renew()
            finally:
                if idle:
                    self._one.release()

    def _renew(self) -> None:
        written = time.monotonic()
        with suppress(StoreUnavailable):
            self._store.put(run_keys.ticket(self._name), secrets.token_bytes(8))
            self._renewed = written


class SinglePublisherStore(S3Store):
    """A bucket that ignores conditions, written to by one process at a time (`FARM_SINGLE_PUBLISHER`)."""

    conditional = False

    def __init__(self, bucket: str, prefix: str, s3: S3Settings, *, lease_s: float = LEASE_S, **options: Any) -> None:  # noqa: ANN401 - S3Store's
        """As S3Store is opened."""
        super().__init__(bucket, prefix, s3, **options)
        self._lock = PublisherLock(self, lease_s=lease_s)

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False, if_match: str = "") -> str:
        """Write an object whole; gives its etag. Raises Conflict as a server that honours conditions would."""
        if not (if_absent or if_match) or key.startswith(run_keys.asked_runs()):
            return super().put(key, data)  # the names of runs are random: nobody else writes them
        with self._lock.held():
            there = self.stat(key)
            if (if_absent and there) or (if_match and (there is None or there.etag != if_match)):
                raise Conflict(f"cannot write {key} in the store {self.name}: it is there, or has changed since it was read")
            return super().put(key, data)
