"""What the two wings tell each other through Redis while work is in flight. All of it may vanish at any moment.

A builder asks for a grant and waits for the answer; it beats while it works; it looks whether its work was cancelled.
The trusted side answers, reads the beats, sets the cancel flags, and shows that it is there. Every key expires.
"""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import redis
from pydantic import BaseModel, ValidationError

from farm.wire.address import tls_options, unavailable
from farm.wire.health import Vitals
from farm.wire.messages import ANSWER, Answer, Beat, Denial, Grant, GrantRequest, Resolved, WorkerCard
from farm.wire.queue import KEY_PREFIX, lists_of, task_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from farm.plan.cell import Cell
    from farm.settings import Settings

ASK_S = 30
PRESENCE_S = 30
BEAT_S = 10.0
_ANSWER_S = 300
_DAY_S = 24 * 3600
_MAX_MESSAGE = 4 << 20
_MAX_TOLD = 256 << 10  # of a beat or a card: twenty lines and some names
_SILENT_S = 10  # no answer takes that long; whoever waits longer misses a lease for one lost packet

AttemptKey = tuple[str, int]
M = TypeVar("M", bound=BaseModel)


def new_reply() -> str:
    """A fresh name for the list that one answer goes to."""
    return uuid.uuid4().hex


class Mailbox:
    """A connection to Redis. Every method raises BrokerUnavailable when it does not answer."""

    def __init__(self, broker_url: str, presence_s: float = 0, ca_bundle: str = "") -> None:
        """Connect lazily to redis://…, rediss://… or redis+socket:///path. A sign of presence holds for `presence_s`."""
        self.url = broker_url
        self.presence_s = presence_s or PRESENCE_S
        address = broker_url.replace("redis+socket://", "unix://", 1)
        self._redis: redis.Redis = redis.Redis.from_url(
            address,
            decode_responses=True,
            encoding_errors="replace",  # any builder may write what is no text
            socket_timeout=_SILENT_S,
            socket_connect_timeout=10,
            health_check_interval=25,
            **tls_options(broker_url, ca_bundle),
        )

    @classmethod
    def of(cls, settings: Settings, broker_url: str = "") -> Self:
        """As the settings say, to the Redis that they name or to that one."""
        return cls(broker_url or settings.broker_url, settings.presence_s, settings.ca_bundle)

    def close(self) -> None:
        """Let the connections go."""
        self._redis.close()

    def ping(self) -> None:
        """Raise BrokerUnavailable when Redis does not answer."""
        with self._translated():
            self._redis.ping()

    def server_time(self) -> float:
        """The server's clock (epoch seconds), to a second; a builder, who may not ask, sees what is left of a key's life."""
        name, over = f"{KEY_PREFIX}reply:{new_reply()}", int(time.time()) + _DAY_S
        with self._translated():
            try:
                return float(self._redis.time()[0])
            except redis.exceptions.NoPermissionError:
                self._redis.set(name, "", exat=over)
                left = int(self._redis.ttl(name))
                self._redis.delete(name)
                return float(over - left)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            raise unavailable(self.url, "does not answer", error) from error

    def _set(self, key: str, value: str, expires_s: float) -> None:
        with self._translated():
            self._redis.set(f"{KEY_PREFIX}{key}", value, px=max(1, int(expires_s * 1000)))

    def _get(self, key: str) -> str | None:
        return self._read([f"{KEY_PREFIX}{key}"], _MAX_MESSAGE)[0]

    def _read(self, names: Sequence[str], limit: int) -> list[str | None]:
        """The values of keys; None where there is none, or one that is longer, of which no more than the limit is sent."""
        with self._translated(), self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.getrange(name, 0, limit)
            values = pipe.execute(raise_on_error=False)
            for value in values:
                if isinstance(value, Exception) and not _is_of_another_type(value):
                    raise value
        return [value if isinstance(value, str) and 0 < len(value.encode()) <= limit else None for value in values]

    def _push(self, key: str, value: str, expires_s: int) -> None:
        name = f"{KEY_PREFIX}{key}"
        with self._translated(), self._redis.pipeline() as pipe:
            pipe.lpush(name, value)
            pipe.expire(name, expires_s)
            pipe.execute()

    def _pop(self, key: str, timeout_s: float) -> str | None:
        with self._translated():
            try:
                popped: Any = self._redis.brpop([f"{KEY_PREFIX}{key}"], timeout=max(timeout_s, 0.01))
            except redis.ResponseError as error:
                if not _is_of_another_type(error):
                    raise
                self._redis.delete(f"{KEY_PREFIX}{key}")  # or nobody would ever be heard again
                return None
        return str(popped[1]) if popped else None


class BuilderMail(Mailbox):
    """The builder's side."""

    def ask(self, request: GrantRequest, *, timeout_s: float = ASK_S) -> Answer | None:
        """The answer to a request for a grant; None when nobody answers in time. The request dies with our patience."""
        self._set(f"asks:{request.reply}", request.model_dump_json(), timeout_s)
        self._push(f"inbox:{request.run}", request.reply, _ANSWER_S)
        ends = time.monotonic() + timeout_s
        while (left := ends - time.monotonic()) > 0:
            if answer := self._pop(f"reply:{request.reply}", min(left, 1.0)):
                return ANSWER.validate_json(answer)
            if self.is_cancelled(request.run, request.cell, 0):
                break
        return None

    def someone_answers(self, run: str) -> bool:
        """Whether a scheduler of this run showed itself lately."""
        return self._get(f"run:{run}") is not None

    def beat(self, beat: Beat, *, lease_s: float) -> None:
        """Give a sign of life. It is there only for a moment, so that who sees it knows that it is fresh."""
        self._set(f"beat:{beat.run}:{beat.cell}:{beat.attempt}", beat.model_dump_json(), min(lease_s, BEAT_S))

    def is_cancelled(self, run: str, cell: str, attempt: int) -> bool:
        """Whether the run, or this attempt, was cancelled."""
        names = [f"{KEY_PREFIX}cancel:{run}", f"{KEY_PREFIX}cancel:{run}:{cell}:{attempt}"]
        with self._translated():
            return int(self._redis.exists(*names)) > 0

    def nudge(self, run: str) -> None:
        """Make the scheduler look at the store now."""
        self._push(f"inbox:{run}", "nudge", _ANSWER_S)

    def answer_resolve(self, reply: str, resolved: Resolved) -> None:
        """Hand back the inputs that were asked for."""
        self._push(f"reply:{reply}", resolved.model_dump_json(), _ANSWER_S)

    def present(self, card: WorkerCard) -> None:
        """Show that this worker lives, and what it is."""
        self._set(f"worker:{card.name}", card.model_dump_json(), self.presence_s)

    def lengths(self, queues: Iterable[str]) -> int:
        """How many messages lie in queues and were not taken yet."""
        with self._translated(), self._redis.pipeline(transaction=False) as pipe:
            for name in (name for queue in queues for name in lists_of(queue)):
                pipe.llen(f"{KEY_PREFIX}{name}")
            return sum(pipe.execute())

    def leave(self, worker: str) -> None:
        """Show that this worker is gone."""
        with self._translated():
            self._redis.delete(f"{KEY_PREFIX}worker:{worker}")


class SchedulerMail(Mailbox):
    """The trusted side."""

    def vitals(self) -> Vitals:
        """What the server says of itself."""
        with self._translated():
            told: Any = self._redis.info()
        return Vitals(
            str(told.get("server_name") or "Redis").capitalize(),
            str(told.get("valkey_version") or told.get("redis_version", "?")),
            bool(int(told.get("aof_enabled", 0))),
            str(told.get("maxmemory_policy", "")),
            self.server_time(),
        )

    def present(self, run: str) -> None:
        """Show that somebody answers for this run."""
        self._set(f"run:{run}", "1", self.presence_s)

    def is_present(self, run: str) -> bool:
        """Whether that is still shown: a server that was flushed forgot it, and builders drop what nobody answers for."""
        return self._get(f"run:{run}") is not None

    def show_scheduler(self) -> None:
        """Show that a scheduler takes up runs that nobody drives."""
        self._set("scheduler", "1", self.presence_s)

    def has_scheduler(self) -> bool:
        """Whether one showed itself lately."""
        return self._get("scheduler") is not None

    def clear(self) -> None:
        """Forget everything: for a private server only."""
        with self._translated():
            self._redis.flushall()

    def leave(self, run: str) -> None:
        """Nobody answers for this run from here on."""
        with self._translated():
            self._redis.delete(f"{KEY_PREFIX}run:{run}", f"{KEY_PREFIX}inbox:{run}")

    def next(self, run: str, *, timeout_s: float) -> GrantRequest | bool:
        """The next request whose asker still waits; True for a nudge, False when nothing came in time."""
        reply = self._pop(f"inbox:{run}", timeout_s)
        if reply is None:
            return False
        asked = self._get(f"asks:{reply}")
        if asked is None:
            return True
        try:
            request = GrantRequest.model_validate_json(asked)
        except ValidationError:
            return True
        return request if (request.run, request.reply) == (run, reply) else True

    def answer(self, request: GrantRequest, answer: Grant | Denial) -> None:
        """Answer a request."""
        self._push(f"reply:{request.reply}", answer.model_dump_json(), _ANSWER_S)

    def beats(self, run: str, attempts: Iterable[AttemptKey]) -> dict[AttemptKey, Beat]:
        """The latest sign of life of each attempt that has one."""
        wanted = list(attempts)
        if not wanted:
            return {}
        values = self._read([f"{KEY_PREFIX}beat:{run}:{cell}:{number}" for cell, number in wanted], _MAX_TOLD)
        parsed = {key: _parsed(Beat, value) for key, value in zip(wanted, values, strict=True)}
        return {key: beat for key, beat in parsed.items() if beat and (beat.run, beat.cell, beat.attempt) == (run, *key)}

    def cancel(self, run: str, cell: Cell | None = None, attempt: int = 0) -> None:
        """Ask all builders of a run, or the builder of one attempt, to end."""
        self._set(f"cancel:{run}" if cell is None else f"cancel:{run}:{cell}:{attempt}", "1", _DAY_S)

    def resolved(self, reply: str, *, timeout_s: float) -> Resolved | None:
        """The answer to a resolve request; None when it did not come in time."""
        answer = self._pop(f"reply:{reply}", timeout_s)
        return _parsed(Resolved, answer)

    def workers(self) -> list[WorkerCard]:
        """The live workers, by name."""
        with self._translated():
            names = list(self._redis.scan_iter(match=f"{KEY_PREFIX}worker:*", count=1000))
        values = self._read(names, _MAX_TOLD)
        cards = (_parsed(WorkerCard, value) for value in values)
        return sorted((card for card in cards if card), key=lambda card: card.name)

    def served(self) -> frozenset[str]:
        """The queues that live workers take."""
        return frozenset(queue for card in self.workers() for queue in card.queues)

    def waiting(self, queue: str) -> frozenset[str]:
        """Ids of the tasks that lie in a queue and were not taken yet."""
        with self._translated():
            lists: list[Any] = [self._redis.lrange(f"{KEY_PREFIX}{name}", 0, -1) for name in lists_of(queue)]
        return frozenset(task_id(message) for messages in lists for message in messages)


def _is_of_another_type(error: Exception) -> bool:
    """Whether a key holds what we never put there: no string, or no list."""
    return "WRONGTYPE" in str(error)


def _parsed(model: type[M], text: str | None) -> M | None:
    try:
        return model.model_validate_json(text) if text else None
    except ValidationError:
        return None
