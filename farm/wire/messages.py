"""Messages between the wings, as data. Ids that are validated, never commands.

wake-up (queue) -> grant request (mailbox) -> grant (reply) -> beats (Redis, lossy) -> result (staged in the store).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from farm.errors import Failure
from farm.plan.recipe import PACKAGE, How, Inputs, Recipe
from farm.store.artifact import ArchiveInfo, BuildInfo, Finding, Isolation, StepTime, VerifiedIn
from farm.wire.plain import plain

RunId = Annotated[str, Field(pattern=r"^[0-9]{8}-[0-9]{6}-[0-9a-f]{6}$")]
CellId = Annotated[str, Field(pattern=r"^[a-z0-9.-]{5,80}$")]
WorkerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")]
# What people read of it goes to their terminals.
Text = Annotated[str, AfterValidator(plain)]


def _plain_failure(failure: Failure) -> Failure:
    return replace(failure, message=plain(failure.message), hint=plain(failure.hint), step=plain(failure.step))


def _plain_finding(finding: Finding) -> Finding:
    said = {"message": plain(finding.message), "file": plain(finding.file), "hint": plain(finding.hint)}
    return finding.model_copy(update=said)


ToldFailure = Annotated[Failure, AfterValidator(_plain_failure)]
ToldFinding = Annotated[Finding, AfterValidator(_plain_finding)]

BUILD_TASK = "workers.build_cell"
RESOLVE_TASK = "workers.resolve"


class Message(BaseModel):
    """What all messages have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WakeUp(Message):
    """There may be work for this cell of this run. Only a hint: the grant decides."""

    run: RunId
    cell: CellId


class GrantRequest(Message):
    """A builder asks for leave to build a cell. `reply` names the list the answer goes to."""

    run: RunId
    cell: CellId
    worker: WorkerName
    reply: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Grant(Message):
    """Leave to make one attempt: everything the builder needs, and where it may put what it made.

    `uploads` maps each staged file's name to an address that takes one PUT. `inputs` is None when nobody resolved them yet.
    """

    attempt: int
    recipe: Recipe
    inputs: Inputs | None
    deadline_s: int
    uploads: dict[str, str]


class Denial(Message):
    """No leave, and why: published meanwhile, cancelled, another attempt is alive, no attempts left.

    `pause_s`: the asker's host is quarantined or drained, and its slot should take nothing else for that long.
    """

    reason: str
    pause_s: float = 0.0


class ResolveRequest(Message):
    """Find the inputs of a distro and arch: build or reuse the builder image with these packages, say what is in it.

    `how` says which builder image: of that arch, or one that cross-compiles for it.
    """

    run: RunId
    distro: Annotated[str, Field(pattern=r"^[a-z0-9.]{3,30}$")]
    arch: Annotated[str, Field(pattern=r"^[a-z0-9]{3,20}$")]
    packages: tuple[Annotated[str, Field(pattern=PACKAGE)], ...]
    how: How = "native"
    reply: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Resolved(Message):
    """The answer to a resolve request: inputs, or why there are none."""

    inputs: Inputs | None = None
    failure: ToldFailure | None = None


class Beat(Message):
    """A sign of life of an attempt: its step, since when (epoch seconds), and the last lines of its log."""

    run: RunId
    cell: CellId
    attempt: int
    worker: WorkerName
    step: Text
    step_started: float
    started: float
    steps: tuple[StepTime, ...]
    tail: tuple[Text, ...]


class WorkerCard(Message):
    """What a worker says of itself, again and again while it lives.

    `engine` is what answers, e.g. 'Docker Engine 20.10.24'; '' when none does: `trouble` says why, `refused_at` since when
    (epoch seconds). `emulators` say how it runs what it cross-compiles, e.g. 'arm64 by qemu 10.0.13'. `slots` is how many cells
    it builds at once, memory and free disk are in GiB, `started` is epoch seconds. `deaf_s`: for how long work has waited that
    it could take and did not. `stopping`: it takes nothing new.
    """

    name: WorkerName
    queues: tuple[Text, ...]
    slots: int = 1
    emulators: tuple[Text, ...] = ()
    engine: Text = ""
    trouble: Text = ""
    cores: int = 0
    memory_gb: float = 0.0
    disk_gb: float = 0.0
    version: Text = ""
    started: float = 0.0
    labels: tuple[Text, ...] = ()
    deaf_s: float = 0.0
    refused_at: float = 0.0
    stopping: bool = False


class Result(Message):
    """How an attempt ended, staged last as `result.json`: archives or a failure."""

    run: RunId
    cell: CellId
    attempt: int
    worker: WorkerName
    engine: Text
    recipe: str
    inputs: str
    failure: ToldFailure | None = None
    build: BuildInfo | None = None
    archives: tuple[ArchiveInfo, ...] = ()
    findings: tuple[ToldFinding, ...] = ()
    steps: tuple[StepTime, ...] = ()
    verified: VerifiedIn | None = None
    farm: Text = ""
    isolation: Isolation | None = None


STAGED_RESULT = "result.json"
STAGED_LOG = "build.log"

Answer = Grant | Denial
ANSWER: TypeAdapter[Answer] = TypeAdapter(Grant | Denial)
Kind = Literal["grant", "resolve"]
