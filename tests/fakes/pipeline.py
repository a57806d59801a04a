"""The pipeline, as a builder's task calls it, and what it acts with and reports to."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

from farm.errors import Failure, from_failure
from farm.plan.recipe import BaseImage, How, Inputs
from farm.wire.messages import Result

if TYPE_CHECKING:
    from pathlib import Path

    from farm.wire.messages import Grant


class FakePipeline:
    """Stands in for `workers.pipeline` in a real Celery worker. A folder says what each attempt at a cell does.

    `CELL.script` holds a word for each attempt (the last one goes on): ok, or a failure's kind, or 'die'. While `CELL.hold` is
    there an attempt goes on and on. `unfit` says why the host cannot build. Each attempt adds 'cell attempt pid' to `started`.
    `resolve.script` is for resolving.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    class BuildRequest:
        def __init__(self, run: str, grant: Grant, worker: str) -> None:
            self.run, self.grant, self.worker = run, grant, worker

    def effects(self, reporter: object, settings: object) -> FakeEffects:
        return FakeEffects(reporter)

    def unfit(self, settings: object) -> str:
        unfit = self.folder / "unfit"
        return unfit.read_text() if unfit.exists() else ""

    def resolve(self, distro: str, arch: str, packages: tuple[str, ...], effects: FakeEffects, how: How = "native") -> Inputs:
        self._note(f"resolve.{distro}.{arch}", 0)
        self._say(self._word("resolve", 1), effects)
        return Inputs(BaseImage(distro, "pull", ("sha256:1",)), tuple((name, "1.0") for name in packages), how)

    def build_cell(self, request: FakePipeline.BuildRequest, effects: FakeEffects) -> Result:
        grant, cell = request.grant, str(request.grant.recipe.cell)
        self._note(cell, grant.attempt)
        effects.reporter.step("compile")
        effects.reporter.line(f"compiling {cell}")
        while (self.folder / f"{cell}.hold").exists():
            time.sleep(0.02)
            effects.reporter.line("still compiling")
        self._say(self._word(cell, grant.attempt), effects)
        effects.reporter.step("stage")
        return Result(
            run=request.run,
            cell=cell,
            attempt=grant.attempt,
            worker=request.worker,
            engine="fake",
            recipe=grant.recipe.digest,
            inputs=grant.inputs.digest if grant.inputs else "",
            steps=effects.reporter.steps,
        )

    def _note(self, cell: str, attempt: int) -> None:
        with (self.folder / "started").open("a") as started:
            started.write(f"{cell} {attempt} {os.getpid()}\n")

    def _word(self, cell: str, attempt: int) -> str:
        script = self.folder / f"{cell}.script"
        words = script.read_text().split() if script.exists() else ["ok"]
        return words[min(attempt, len(words)) - 1]

    def _say(self, word: str, effects: FakeEffects) -> None:
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "bug":
            raise ZeroDivisionError("division by zero")
        if word != "ok":
            effects.reporter.line(f"error: this one is {word}")
            raise from_failure(Failure(word, f"it was scripted to be {word}", hint="change the script"))


class FakeEffects:
    """What `FakePipeline` acts with."""

    class engine:  # noqa: N801 - an attribute with a name, nothing more
        name = "fake"

    def __init__(self, reporter: Any) -> None:
        self.reporter = reporter


class FakeReporter:
    """A reporter that keeps what it is told; set `wanted` to cancel."""

    steps = ()

    def __init__(self) -> None:
        self.told: list[str] = []
        self.wanted = False

    def step(self, name: str) -> None:
        self.told.append(name)

    def line(self, text: str) -> None:
        self.told.append(text)

    def cancelled(self) -> bool:
        return self.wanted
