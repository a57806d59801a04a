"""Resolving: have builders say what each distro gives today, and keep it as lock objects. One explicit step of a run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.dispatch.known import Resolution
from farm.dispatch.view import CellView, RunView
from farm.errors import BrokerUnavailable, Failure
from farm.plan.recipe import HOWS, How
from farm.store import locks
from farm.store.locks import Packages, Platform
from farm.wire.mailbox import BEAT_S, new_reply
from farm.wire.messages import Beat, ResolveRequest
from farm.wire.routes import build_queue, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.dispatch.loop import Means
    from farm.dispatch.tempo import Tempo
    from farm.store.protocol import Store
    from farm.wire.messages import Resolved

_TICK_S = 0.5


@dataclass
class Question:
    """A platform whose inputs are asked for, and how it would be built. Times are seconds of the loop's clock.

    `reply` is '' before it was asked.
    """

    platform: Platform
    packages: Packages
    how: How = "native"
    reply: str = ""
    asked: float = 0.0
    seen: float = 0.0
    tries: int = 0
    beat: Beat | None = None
    label: str = ""

    @property
    def name(self) -> str:
        """How its beats and its line of progress are called."""
        return f"resolve.{self.platform[0]}.{self.platform[1]}"

    @property
    def queue(self) -> str:
        """Which builders are asked."""
        return self._queue(self.how)

    def _queue(self, how: How) -> str:
        distro, arch = self.platform
        return build_queue(arch, distro, how, self.label)

    def choose(self, served: frozenset[str]) -> bool:
        """Choose how to build with the builders that there are, a native one first; False when none can."""
        for how in (self.how,) if self.reply else HOWS:
            if how in self.packages and self._queue(how) in served:
                self.how = how
                return True
        return False


class Resolver:
    """Asks for the inputs of some platforms, all at once, until each has answered or failed."""

    def __init__(self, run: str, store: Store, means: Means, tempo: Tempo, *, date: str, label: str = "") -> None:
        """Nothing is asked yet. With a label only workers that have it are."""
        self._label = label
        self._run, self._store, self._means, self._tempo, self._date = run, store, means, tempo, date
        self._began = means.clock()

    def resolve(self, asked: Mapping[Platform, Packages]) -> Resolution:
        """Ask and wait. The answers are kept as locks."""
        result = Resolution()
        questions = [Question(platform, packages, label=self._label) for platform, packages in asked.items()]
        trouble_since: float | None = None
        while open_questions := [one for one in questions if not self._answered(one, result)]:
            self._means.tend()
            try:
                self._turn(open_questions, result)
                trouble_since = None
            except BrokerUnavailable:
                now = self._means.clock()
                trouble_since = now if trouble_since is None else trouble_since
                if now - trouble_since > self._tempo.patience_s:
                    raise
                time.sleep(_TICK_S)
        return result

    @staticmethod
    def _answered(question: Question, result: Resolution) -> bool:
        return question.platform in result.inputs or question.platform in result.failures

    def _turn(self, questions: list[Question], result: Resolution) -> None:
        self._means.mail.present(self._run)
        served = self._means.mail.served()
        beats = self._means.mail.beats(self._run, [(question.name, 1) for question in questions])
        for question in questions:
            question.beat = beats.get((question.name, 1))
            question.seen = self._means.clock() if question.beat else question.seen
            if question.choose(served):
                self._pursue(question, result)
            else:
                self._wait_for_worker(question, result)
        self._means.watcher.show(RunView(self._run, tuple(self._view(question) for question in questions)))

    def _pursue(self, question: Question, result: Resolution) -> None:
        now = self._means.clock()
        silent = now - max(question.asked, question.seen) > 2 * self._tempo.lease_s + BEAT_S
        if question.reply and not silent:
            answer = self._means.mail.resolved(question.reply, timeout_s=_TICK_S)
            if answer:
                self._take(question, answer, result)
            return
        if question.reply and self._still_queued(question):
            question.asked = now
            return
        if question.tries >= self._tempo.attempts:
            why = f"nobody could say what {' '.join(question.platform)} gives: its builder was lost {question.tries} times"
            result.failures[question.platform] = Failure("transient", why, hint="see the worker's log", step="resolve")
            return
        self._ask(question)

    def _still_queued(self, question: Question) -> bool:
        tasks = self._means.mail.waiting(question.queue)
        return f"{self._run}/resolve/{question.reply}" in tasks

    def _ask(self, question: Question) -> None:
        question.reply, question.asked, question.tries = new_reply(), self._means.clock(), question.tries + 1
        (distro, arch), how, reply = question.platform, question.how, question.reply
        packages = question.packages[how]
        self._means.queue.resolve(
            ResolveRequest(run=self._run, distro=distro, arch=arch, packages=packages, how=how, reply=reply), question.queue
        )

    def _take(self, question: Question, answer: Resolved, result: Resolution) -> None:
        if answer.inputs:
            locks.save_inputs(self._store, *question.platform, answer.inputs, date=self._date)
            result.inputs[question.platform] = answer.inputs
            return
        failure = answer.failure or Failure("internal", "the builder answered with neither inputs nor a failure")
        if failure.kind == "transient" and question.tries < self._tempo.attempts:
            question.reply = ""
            time.sleep(min(self._tempo.backoff_s, 2.0**question.tries))
            return
        result.failures[question.platform] = failure

    def _wait_for_worker(self, question: Question, result: Resolution) -> None:
        if self._means.clock() - self._began >= self._tempo.unserved_s:
            cross = "" if "cross" in question.packages else ", and these cells cannot be cross-compiled"
            distro, arch = question.platform
            why = f"no live worker builds {wanted(arch, distro, self._label)}{cross}"
            hint = (
                "start a worker on such a host with FARM_BROKER_URL set to this farm's Redis, or leave the cell out with --only"
            )
            result.failures[question.platform] = Failure("transient", why, hint=hint, step="resolve")
            return
        time.sleep(_TICK_S / 5)

    def _view(self, question: Question) -> CellView:
        name, beat, now = question.name, question.beat, self._means.clock()
        if beat is None:
            return CellView(name, "waiting", question.tries, note=question.how if question.reply else "")
        return CellView(
            name,
            "building",
            question.tries,
            step=beat.step,
            step_s=max(0.0, now - beat.step_started),
            elapsed_s=max(0.0, now - beat.started),
            tail=beat.tail,
            note=question.how,
        )
