"""Stores in memory: one that keeps its promises, one that does not, one that fails."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from farm.errors import Conflict, StoreUnavailable
from farm.store import keys
from farm.store.protocol import Stat
from farm.store.sink import arriving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.store.sink import AtMost, Content


class MemoryStore:
    """A store in memory that keeps its promises."""

    name = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.times: dict[str, float] = {}  # when an object was written; 0 where this says nothing
        self._lock = threading.Lock()

    def get(self, key: str) -> tuple[bytes, str] | None:
        assert keys.valid(key), key
        data = self.objects.get(key)
        return None if data is None else (data, _etag(data))

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False, if_match: str = "") -> str:
        assert keys.valid(key), key
        content = data if isinstance(data, bytes) else data.read_bytes()
        with self._lock:
            held = self.objects.get(key)
            if self._refuses(held, if_absent, if_match):
                raise Conflict(f"{key} is already there, or has changed")
            self.objects[key] = content
        return _etag(content)

    def _refuses(self, held: bytes | None, if_absent: bool, if_match: str) -> bool:
        return (if_absent and held is not None) or bool(if_match and (held is None or _etag(held) != if_match))

    def list(self, prefix: str) -> Iterator[Stat]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield Stat(key, len(self.objects[key]), _etag(self.objects[key]), self.times.get(key, 0.0))

    def fetch(self, key: str, target: Path, content: Content | AtMost | None = None) -> bool:
        if (data := self.objects.get(key)) is None:
            return False
        with arriving(key, target, content) as sink:
            sink.write(data)
        return True

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def upload_url(self, key: str, *, expires_s: int) -> str:
        return f"memory://{key}?{expires_s}"

    def stat(self, key: str) -> Stat | None:
        return None if (data := self.objects.get(key)) is None else Stat(key, len(data), _etag(data), self.times.get(key, 0.0))

    def read(self, stat: Stat, start: int, stop: int) -> Iterator[bytes]:
        data = self.objects.get(stat.key)
        if data is None or _etag(data) != stat.etag:
            raise Conflict(f"{stat.key} changed")
        return iter([data[start:stop]])


class HostileStore(MemoryStore):
    """A store that answers 200 to every conditional write, and ignores the condition (old Ceph, `rclone serve s3`)."""

    name = "hostile"

    def __init__(self, *ignores: str) -> None:
        super().__init__()
        self._ignores = ignores

    def _refuses(self, held: bytes | None, if_absent: bool, if_match: str) -> bool:
        return super()._refuses(
            held, if_absent and "if_absent" not in self._ignores, "" if "if_match" in self._ignores else if_match
        )


class FailingStore(MemoryStore):
    """Fails once, at its Nth operation, and goes on failing until `healed`: before doing it, or after (a lost answer)."""

    name = "failing"

    def __init__(self, objects: dict[str, bytes], *, at: int, after: bool = False) -> None:
        super().__init__()
        self.objects = dict(objects)
        self.operations = 0
        self.healed = False
        self._at = at
        self._after = after

    def _step(self, *, effect: bool) -> None:
        """Count one operation; called again with `effect` when it was done."""
        if not effect:
            self.operations += 1
        if self.healed or self.operations < self._at:
            return
        if effect == (self._after and self.operations == self._at):
            raise StoreUnavailable(f"the store failed at operation {self.operations}")

    def get(self, key: str) -> tuple[bytes, str] | None:
        self._step(effect=False)
        found = super().get(key)
        self._step(effect=True)
        return found

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False, if_match: str = "") -> str:
        self._step(effect=False)
        etag = super().put(key, data, if_absent=if_absent, if_match=if_match)
        self._step(effect=True)
        return etag

    def list(self, prefix: str) -> Iterator[Stat]:
        self._step(effect=False)
        found = list(super().list(prefix))
        self._step(effect=True)
        yield from found

    def fetch(self, key: str, target: Path, content: Content | AtMost | None = None) -> bool:
        self._step(effect=False)
        found = super().fetch(key, target, content)
        self._step(effect=True)
        return found


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
