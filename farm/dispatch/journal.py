"""What the store knows of a run: its plan, its attempts, how they ended, and their logs. All that is durable of it.

State stands in key names: three listings tell where thousands of cells are, and an object is read only when it is new.
"""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from farm.dispatch.decide import PUBLISHED, RETRIED, Attempt, Ending, Record
from farm.dispatch.records import AttemptNote, Outcome, RunPlan
from farm.errors import BadInput, Conflict, FarmError, Transient, VerificationFailed, room
from farm.plan.cell import Cell
from farm.store import run_keys
from farm.store.artifact import Artifact
from farm.store.protocol import Store
from farm.store.sink import AtMost
from farm.wire.messages import STAGED_LOG, STAGED_RESULT, Result
from farm.wire.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NUMBERED_RE = re.compile(r"^(?P<cell>[^/]+)/(?P<number>[0-9]+)(?P<rest>[./].+)$")
# What a builder stages is a stranger's: its address takes a PUT of any size, and nobody reads more of it than this.
_RESULT_LIMIT, _LOG_LIMIT = AtMost(16 << 20), AtMost(64 << 20)
# Two schedulers may have written down two ends of one attempt: what is published is, and what was given up is tried again.
_RANK = {PUBLISHED: 0, RETRIED: 1}
M = TypeVar("M", bound=BaseModel)


def new_run(now: datetime | None = None) -> str:
    """A fresh id of a run, e.g. 20261122-153000-a1b2c3; ids sort by time."""
    return f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


@dataclass
class Journal:
    """One run's part of the store."""

    store: Store
    run: str
    clock: Callable[[], float] = time.time
    _notes: dict[str, AttemptNote] = field(default_factory=dict)
    _outcomes: dict[str, Outcome] = field(default_factory=dict)

    @classmethod
    def latest(cls, store: Store) -> Journal:
        """The newest run's. Raises BadInput when there was none."""
        runs = cls.runs(store)
        if not runs:
            raise BadInput(f"there is no run in the store {store.name}", hint="start one with `farm submit matrix.yaml`")
        return cls(store, runs[-1])

    @classmethod
    def open_runs(cls, store: Store) -> list[str]:
        """The runs that were asked for and have not ended, oldest first."""
        return sorted(stat.key.rpartition("/")[2] for stat in store.list(run_keys.open_runs()))

    @classmethod
    def runs(cls, store: Store) -> list[str]:
        """Every run that was ever asked for, oldest first."""
        return sorted(stat.key.rpartition("/")[2].removesuffix(".json") for stat in store.list(run_keys.asked_runs()))

    def ask(self, asked: RunPlan) -> None:
        """Keep what a run is to do, nothing being resolved yet; from now on it is open."""
        self.store.put(run_keys.asked(self.run), asked.document(), if_absent=True)
        self.store.put(run_keys.open_run(self.run), b"")

    def asked(self) -> RunPlan:
        """What was asked for. Raises BadInput when there is no such run."""
        return self._there(self._read(run_keys.asked(self.run), RunPlan))

    def reopen(self) -> None:
        """Have it driven again."""
        self.store.put(run_keys.open_run(self.run), b"")

    def close(self) -> None:
        """The run has ended; nobody is to drive it any more."""
        self.store.delete(run_keys.open_run(self.run))

    def relisted(self) -> None:
        """Keep that the channels list what was published before this run."""
        self.store.put(run_keys.relisted(self.run), b"")

    def is_relisted(self) -> bool:
        """Whether they do."""
        return any(self.store.list(run_keys.relisted(self.run)))

    def claim_notice(self) -> bool:
        """Whether nobody before us told that the run has ended; from now on somebody did."""
        try:
            self.store.put(run_keys.notified(self.run), b"", if_absent=True)
        except Conflict:
            return False
        return True

    def cancel(self, cells: Iterable[Cell]) -> None:
        """Keep that these cells are no longer wanted."""
        for cell in cells:
            self.store.put(run_keys.cancel(self.run, cell), b"")

    def cancelled(self) -> frozenset[Cell]:
        """The cells that are no longer wanted."""
        return frozenset(Cell.parse(stat.key.rpartition("/")[2]) for stat in self.store.list(run_keys.cancels(self.run)))

    def save_plan(self, plan: RunPlan) -> None:
        """Keep the plan; a run has one only."""
        self.store.put(run_keys.plan(self.run), plan.document(), if_absent=True)

    def plan(self) -> RunPlan:
        """The plan. Raises BadInput when there is no such run."""
        return self._there(self.kept_plan() or self._read(run_keys.asked(self.run), RunPlan))

    def kept_plan(self) -> RunPlan | None:
        """The plan; None while nothing is resolved."""
        return self._read(run_keys.plan(self.run), RunPlan)

    def _there(self, found: RunPlan | None) -> RunPlan:
        if found is None:
            raise BadInput(f"there is no run {self.run} in the store {self.store.name}", hint="see `farm runs`")
        return found

    def records(self) -> dict[Cell, Record]:
        """Where every cell stands that was ever attempted."""
        attempts: dict[Cell, list[Attempt]] = {}
        endings: dict[Cell, dict[int, Ending]] = {}
        staged: dict[Cell, set[int]] = {}
        # Listed in this order, an attempt that ends meanwhile is at worst seen as open, never as one that nobody granted.
        for cell, number, _, _ in self._numbered(run_keys.staging_of(self.run), f"/{STAGED_RESULT}"):
            staged.setdefault(cell, set()).add(number)
        for cell, number, rest, key in self._numbered(run_keys.outcomes(self.run), ".json"):
            state, known = _state(rest), endings.setdefault(cell, {}).get(number)
            if known is None or _rank(state) < _rank(known.state):
                outcome = self.outcome_at(key)
                endings[cell][number] = Ending(state, outcome.at, outcome.excused)
        for cell, number, _, key in self._numbered(run_keys.attempts(self.run), ".json"):
            note = self._note(key)
            attempts.setdefault(cell, []).append(Attempt(number, note.worker, note.granted, note.deadline_s))
        return {
            cell: Record(
                tuple(sorted(attempts.get(cell, ()), key=lambda attempt: attempt.number)),
                endings.get(cell, {}),
                frozenset(staged.get(cell, ())),
            )
            for cell in {*attempts, *endings, *staged}
        }

    def outcome(self, cell: Cell) -> Outcome | None:
        """How the newest ended attempt at a cell ended."""
        found = list(self._numbered(f"{run_keys.outcomes(self.run)}{cell}/", ".json", prefix=run_keys.outcomes(self.run)))
        return self.outcome_at(max(found, key=lambda item: (item[1], -_rank(_state(item[2]))))[3]) if found else None

    def newest_ends(self) -> dict[Cell, str]:
        """How the newest ended attempt at each cell ended, from the names of keys alone."""
        newest: dict[Cell, tuple[int, int, str]] = {}
        for cell, number, rest, _ in self._numbered(run_keys.outcomes(self.run), ".json"):
            newest[cell] = max(newest.get(cell, (0, 0, "")), (number, -_rank(_state(rest)), _state(rest)))
        return {cell: state for cell, (_, _, state) in newest.items()}

    def newest_attempt(self, cell: Cell) -> int:
        """The number of the newest attempt at a cell; 0 when there is none."""
        prefix = run_keys.attempts(self.run)
        return max((number for _, number, _, _ in self._numbered(f"{prefix}{cell}/", ".json", prefix=prefix)), default=0)

    def outcome_at(self, key: str) -> Outcome:
        """The outcome kept at a key. It did not end later than now, whatever the clock said of who wrote it down."""
        if key not in self._outcomes:
            outcome = self._read(key, Outcome) or Outcome(state="transient", at=0.0)
            self._outcomes[key] = outcome.model_copy(update={"at": min(outcome.at, self.clock())})
        return self._outcomes[key]

    def grant(self, cell: Cell, number: int, note: AttemptNote) -> bool:
        """Create an attempt; False when somebody else created it first."""
        try:
            self.store.put(run_keys.attempt(self.run, cell, number), note.model_dump_json().encode(), if_absent=True)
        except Conflict:
            return False
        return True

    def end(self, cell: Cell, number: int, outcome: Outcome) -> None:
        """Keep how an attempt ended, unless somebody else has: then it was not for us to find it wanting."""
        prefix = run_keys.outcomes(self.run)
        ends = self._numbered(f"{prefix}{cell}/", ".json", prefix=prefix)
        if outcome.state != PUBLISHED and any(ended == number for _, ended, _, _ in ends):
            return
        key = run_keys.outcome(self.run, cell, number, outcome.state)
        self.store.put(key, outcome.model_dump_json(exclude_defaults=True).encode())
        self._outcomes[key] = outcome

    def staged(self, cell: Cell, number: int) -> Result:
        """The result that an attempt staged. Raises FarmError when it is not one of this attempt."""
        try:
            with self._staged(cell, number, STAGED_RESULT, _RESULT_LIMIT) as file:
                result = Result.model_validate_json(file.read_bytes() if file else b"")
        except ValidationError as error:
            raise Transient(f"the builder staged a result that cannot be read: {error.errors()[0]['msg']}") from error
        except VerificationFailed as error:
            raise Transient(f"the builder staged a result that is none: {error.message}") from error
        if (result.run, result.cell, result.attempt) != (self.run, str(cell), number):
            raise FarmError(f"the builder staged the result of another attempt: {result.cell}, attempt {result.attempt}")
        return result

    def keep_log(self, cell: Cell, number: int, tail: Iterable[str] = ()) -> str:
        """Move an attempt's staged log to where logs are kept, or keep its last lines seen; gives the key, '' for none."""
        key, lines, why = run_keys.log(self.run, cell, number), list(tail), ""
        try:
            with self._staged(cell, number, STAGED_LOG, _LOG_LIMIT) as file:
                if file and file.stat().st_size:
                    self.store.put(key, file)
                    return key
        except VerificationFailed as error:
            why = error.message
        if not (lines or why):
            return ""
        told = f"({why or 'the builder was lost'}; these are the last lines that were seen)"
        self.store.put(key, "\n".join([told, *lines, ""]).encode())
        return key

    @contextmanager
    def _staged(self, cell: Cell, number: int, name: str, limit: AtMost) -> Iterator[Path | None]:
        """What an attempt staged under a name, as a file; None when it did not. Raises VerificationFailed over the limit."""
        with room(), tempfile.TemporaryDirectory(prefix="farm-staged-") as folder:
            file = Path(folder) / name
            yield file if self.store.fetch(run_keys.staging(self.run, cell, number, name), file, limit) else None

    def log_tail(self, key: str, limit: int = 200) -> list[str]:
        """The last lines of a kept log, as a terminal may have them."""
        found = self.store.get(key) if key else None
        return list(map(plain, found[0].decode(errors="replace").splitlines()[-limit:])) if found else []

    def artifact(self, key: str) -> Artifact | None:
        """The metadata of a published build, by its key in the catalog."""
        return self._read(key, Artifact)

    def drop_archives(self, cell: Cell, number: int) -> None:
        """Remove what an attempt staged, but its log and result."""
        self.clear(cell, number, STAGED_LOG, STAGED_RESULT)

    def clear(self, cell: Cell, number: int, *but: str) -> None:
        """Remove what an attempt staged, but for files of these names."""
        kept = {run_keys.staging(self.run, cell, number, name) for name in but}
        for stat in list(self.store.list(run_keys.staging(self.run, cell, number))):
            if stat.key not in kept:
                self.store.delete(stat.key)

    def sweep(self) -> None:
        """Remove all that the run staged and that is not kept for somebody to look at."""
        kept = [self.outcome_at(key).staged for *_, key in self._numbered(run_keys.outcomes(self.run), ".json")]
        for stat in list(self.store.list(run_keys.staging_of(self.run))):
            if not any(folder and stat.key.startswith(folder) for folder in kept):
                self.store.delete(stat.key)

    def _note(self, key: str) -> AttemptNote:
        if key not in self._notes:
            note = self._read(key, AttemptNote) or AttemptNote(worker="?", granted=0.0, deadline_s=0)
            self._notes[key] = note.model_copy(update={"granted": min(note.granted, self.clock())})
        return self._notes[key]

    def _read(self, key: str, model: type[M]) -> M | None:
        found = self.store.get(key)
        try:
            return model.model_validate_json(found[0]) if found else None
        except ValidationError as error:
            raise FarmError(
                f"{key} in the store {self.store.name} cannot be read: {error.errors()[0]['msg']}",
                hint="another version of the farm may have written it; submit again to start a new run",
            ) from error

    def _numbered(self, where: str, ending: str, *, prefix: str = "") -> Iterable[tuple[Cell, int, str, str]]:
        """Every key under a prefix that is CELL/NUMBER and something with that ending."""
        for stat in self.store.list(where):
            found = _NUMBERED_RE.match(stat.key.removeprefix(prefix or where))
            if found and found["rest"].endswith(ending):
                yield Cell.parse(found["cell"]), int(found["number"]), found["rest"], stat.key


def _state(rest: str) -> str:
    """How an attempt ended, from the end of its outcome's key."""
    return rest.removeprefix(".").removesuffix(".json")


def _rank(state: str) -> int:
    return _RANK.get(state, len(_RANK))
