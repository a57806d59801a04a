"""The tasks of a builder: thin. Each parses its message, asks for leave, calls the pipeline, and stages what came out.

Nothing is raised towards Celery: a failure is data in `result.json`, and a message that leads to nothing is just dropped,
because the scheduler sees in the store what is missing and wakes the cell again.
"""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import time
import traceback
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from celery.exceptions import SoftTimeLimitExceeded

from farm.errors import BrokerUnavailable, BuildFailed, Failure, FarmError, Transient, no_room
from farm.wire.mailbox import BuilderMail, new_reply
from farm.wire.messages import (
    BUILD_TASK,
    RESOLVE_TASK,
    STAGED_LOG,
    STAGED_RESULT,
    Beat,
    Grant,
    GrantRequest,
    Resolved,
    ResolveRequest,
    Result,
    WakeUp,
)
from workers import metrics, room
from workers.app import app, settings
from workers.reporter import BeatingReporter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.pipeline import Effects

log = logging.getLogger(__name__)

_PAGE_BYTES = 4096
_PAUSE_S = 30.0


def worker_name() -> str:
    """How this slot is called in attempts, labels and logs: its worker's name, and its own number."""
    return f"{socket.gethostname()}.{os.getppid()}.{os.getpid()}"


@app.task(name=BUILD_TASK)  # type: ignore[untyped-decorator] # celery has no types
def build_cell(message: dict[str, object]) -> None:
    """Make one attempt at a cell, if the scheduler grants one."""
    wake = WakeUp.model_validate(message)
    mail = BuilderMail.of(settings)
    about: dict[str, object] = {"run": wake.run, "cell": wake.cell}
    if not mail.someone_answers(wake.run):
        log.info("%s: nobody answers for run %s any more", wake.cell, wake.run, extra=about)
        return
    if trouble := unfit():
        log.warning("%s: not asked for, because this host is not fit: %s", wake.cell, trouble, extra=about)
        time.sleep(min(_PAUSE_S, settings.lease_s))  # so that others take what is left in the queue
        return
    answer = mail.ask(GrantRequest(run=wake.run, cell=wake.cell, worker=worker_name(), reply=new_reply()))
    if not isinstance(answer, Grant):
        log.info("%s: no leave: %s", wake.cell, answer.reason if answer else "nobody answered", extra=about)
        if answer and answer.pause_s > 0:
            time.sleep(min(answer.pause_s, _PAUSE_S))  # this slot takes nothing else meanwhile; other workers may
        return
    about["attempt"] = answer.attempt
    log.info("%s: attempt %d of run %s begins", wake.cell, answer.attempt, wake.run, extra=about)
    try:
        with tempfile.TemporaryDirectory(prefix="farm-attempt-") as folder:
            result = _attempt(wake, answer, mail, Path(folder))
    except Transient as error:  # the store took neither log nor result: two leases later the scheduler counts it as lost
        log.error("%s: attempt %d of run %s cannot tell its end: %s", wake.cell, answer.attempt, wake.run, error, extra=about)
        return
    metrics.attempted(result)
    how = f"failed in step {result.failure.step}: {result.failure.message}" if result.failure else "was built"
    log.info("%s: attempt %d of run %s %s", wake.cell, answer.attempt, wake.run, how, extra=about)


def unfit() -> str:
    """Why this host cannot build anything just now; '' when it can. Asking for a cell then would only cost it an attempt."""
    if trouble := room.lacking(settings):
        return trouble
    from workers import pipeline  # noqa: PLC0415 - see below

    return pipeline.unfit(settings)


@app.task(name=RESOLVE_TASK)  # type: ignore[untyped-decorator] # celery has no types
def resolve(message: dict[str, object]) -> None:
    """Find the inputs of a distro and arch, and hand them back."""
    request = ResolveRequest.model_validate(message)
    mail = BuilderMail.of(settings)
    if not mail.someone_answers(request.run):
        return
    beat = _first_beat(request.run, f"resolve.{request.distro}.{request.arch}", 1, "base image")
    with tempfile.TemporaryDirectory(prefix="farm-resolve-") as folder:
        with BeatingReporter(mail, beat=beat, lease_s=settings.lease_s, log=Path(folder) / STAGED_LOG) as reporter:
            resolved = _resolve(request, reporter)
        mail.answer_resolve(request.reply, resolved)


def _resolve(request: ResolveRequest, reporter: BeatingReporter) -> Resolved:
    from workers import pipeline  # noqa: PLC0415 - the engine is only imported by the process that uses it

    try:
        inputs = pipeline.resolve(request.distro, request.arch, request.packages, _effects(reporter), request.how)
    except Exception as error:
        return Resolved(failure=_failure(error, reporter))
    return Resolved(inputs=inputs)


def _attempt(wake: WakeUp, grant: Grant, mail: BuilderMail, folder: Path) -> Result:
    """Build, then tell what came of it."""
    log_file = folder / STAGED_LOG
    beat = _first_beat(wake.run, wake.cell, grant.attempt, "start")
    with BeatingReporter(mail, beat=beat, lease_s=settings.lease_s, log=log_file) as reporter:
        result = _build(wake, grant, reporter)
        reporter.note(f"=== {'failed: ' + result.failure.message if result.failure else 'built'}")
        reporter.flush()
        _tell(result, log_file, grant)
    with suppress(BrokerUnavailable):
        mail.nudge(wake.run)
    return result


def _tell(result: Result, file: Path, grant: Grant) -> None:
    """Stage the log, then the result: what is staged last says that the attempt is over.

    A store that has no room for megabytes may have some for a page: then the log's end is staged, or none of it.
    """
    told = result.model_dump_json()
    for what, part in (("the whole log", _whole), ("the log's end", _end), ("no log", _none)):
        try:
            with part(file) as log_file, _in_memory(told) as result_file:
                _stage(STAGED_LOG, log_file, grant)
                _stage(STAGED_RESULT, result_file, grant)
            return
        except Transient as error:
            log.warning("attempt %d cannot be told with %s: %s", grant.attempt, what, error)
            refused = error
    raise refused


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """The file as it is."""
    yield file


@contextmanager
def _end(file: Path) -> Iterator[Path]:
    """Whole lines of its end, which with a word about it are a page at most."""
    head = "(the store did not take the whole log; this is its end)\n"
    with file.open("rb") as stream:
        before = max(0, file.stat().st_size - (_PAGE_BYTES - len(head)))
        stream.seek(before)
        lines = stream.readlines()[bool(before) :]
    with _in_memory(head + b"".join(lines).decode(errors="replace")) as end:
        yield end


@contextmanager
def _none(_: Path) -> Iterator[Path]:
    """An empty file."""
    with _in_memory("") as nothing:
        yield nothing


def _stage(name: str, file: Path, grant: Grant) -> None:
    from farm.store.upload import upload  # noqa: PLC0415 - see above

    upload(grant.uploads[name], file, ca_bundle=settings.ca_bundle, below=settings.staging_folder)


@contextmanager
def _in_memory(text: str) -> Iterator[Path]:
    """A file that needs no room on any disk: that there is none may be what it tells."""
    with open(os.memfd_create("result"), "wb") as file:  # noqa: PTH123 - it has no path of its own
        file.write(text.encode())
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}")


def _build(wake: WakeUp, grant: Grant, reporter: BeatingReporter) -> Result:
    from workers import pipeline  # noqa: PLC0415 - see above

    engine = ""
    try:
        effects = _effects(reporter)
        engine = effects.engine.name
        return pipeline.build_cell(pipeline.BuildRequest(run=wake.run, grant=grant, worker=worker_name()), effects)
    except Exception as error:
        return Result(
            run=wake.run,
            cell=wake.cell,
            attempt=grant.attempt,
            worker=worker_name(),
            engine=engine,
            recipe=grant.recipe.digest,
            inputs=grant.inputs.digest if grant.inputs else "",
            failure=_failure(error, reporter),
            steps=reporter.steps,
        )


def _failure(error: Exception, reporter: BeatingReporter) -> Failure:
    """Any error as data; what we did not expect is told with its traceback in the log."""
    if isinstance(error, SoftTimeLimitExceeded):
        error = BuildFailed(
            f"the attempt did not end at its deadline of {settings.cell_deadline_s} s", hint="raise FARM_CELL_DEADLINE_S"
        )
    error = no_room(error) or error
    if isinstance(error, FarmError):
        return error.failure(reporter.current_step)
    reporter.note(traceback.format_exc())
    message = f"a bug of ours: {type(error).__name__}: {error}"
    return Failure("internal", message, hint="its traceback is in the log; report it", step=reporter.current_step)


def _effects(reporter: BeatingReporter) -> Effects:
    from workers import pipeline  # noqa: PLC0415 - see above

    return pipeline.effects(reporter, settings)


def _first_beat(run: str, cell: str, attempt: int, step: str) -> Beat:
    now = time.time()
    return Beat(
        run=run, cell=cell, attempt=attempt, worker=worker_name(), step=step, step_started=now, started=now, steps=(), tail=()
    )
