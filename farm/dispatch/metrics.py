"""What the trusted side counts, as Prometheus reads it. Names follow https://prometheus.io/docs/practices/naming/."""

from __future__ import annotations

import time
from collections import Counter as Tally
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from farm.dispatch.meter import Meter, granted
from farm.wire.scrape import STEP_BUCKETS, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farm.dispatch.records import Outcome
    from farm.dispatch.view import RunView
    from farm.settings import Settings
    from farm.wire.messages import Answer

# Why a cell is tried again: its builder was lost, its distro has changed meanwhile, or something failed in passing.
RETRIED_KINDS = ("lost", "outdated", "transient")
_MOST_STEPS = 100
STATES = ("waiting", "building", "staged", "published", "failed", "stopped")


class PrometheusMeter(Meter):
    """Counts into a registry of its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Everything is zero, and there from the start, so that a rate can be taken of it."""
        self.registry = CollectorRegistry()
        self._clock = clock
        self._views: dict[str, RunView] = {}
        self._waiting: dict[tuple[str, str], float] = {}
        self._named_steps: set[str] = set()
        self._asked = Counter("farm_grants", "Builders' requests for leave, by answer.", ["answer"], registry=self.registry)
        self._lost = Counter("farm_grants_lost", "Attempts given up for want of a sign of life.", registry=self.registry)
        self._ended = Counter(
            "farm_attempts_ended", "Attempts that ended, by how and in which step.", ["state", "step"], registry=self.registry
        )
        self._retried = Counter("farm_retries", "Failures after which a cell is tried again.", ["kind"], registry=self.registry)
        self._steps = Histogram(
            "farm_step_duration_seconds", "How long steps took.", ["step"], registry=self.registry, buckets=STEP_BUCKETS
        )
        self._cpu = Counter(
            "farm_step_cpu_seconds", "CPU seconds that steps took, where known.", ["step"], registry=self.registry
        )
        cells = Gauge("farm_cells", "Cells of the runs that are driven here, by state.", ["state"], registry=self.registry)
        for state in STATES:
            cells.labels(state).set_function(lambda state=state: self._count(state))  # type: ignore[misc]
        for answer in ("granted", "denied"):
            self._asked.labels(answer)
        for kind in RETRIED_KINDS:
            self._retried.labels(kind)
        runs = Gauge("farm_runs_driven", "Runs that are driven here.", registry=self.registry)
        runs.set_function(lambda: len(self._views))
        age = Gauge("farm_queue_age_seconds", "How long the cell has waited that waits longest.", registry=self.registry)
        age.set_function(self._age)

    def answered(self, answer: Answer) -> None:
        """A builder that asked for leave was answered."""
        self._asked.labels("granted" if granted(answer) else "denied").inc()

    def ended(self, outcome: Outcome, *, lost: bool = False) -> None:
        """An attempt ended; `lost`: it was given up, because its builder gave no sign of life any more."""
        self._lost.inc(int(lost))
        self._ended.labels(outcome.state, self._named(outcome.failure.step) if outcome.failure else "").inc()
        if outcome.failure and outcome.state == "transient":
            self._retried.labels("lost" if lost else "outdated" if outcome.failure.outdated else "transient").inc()
        for step in outcome.steps:
            self._steps.labels(self._named(step.step)).observe(step.seconds)
            if step.cpu_seconds is not None:
                self._cpu.labels(self._named(step.step)).inc(step.cpu_seconds)

    def seen(self, view: RunView) -> None:
        """A run looks like this now."""
        now = self._clock()
        waits = {(view.run, cell.name) for cell in view.cells if cell.state == "waiting"}
        self._waiting = {
            **{key: since for key, since in self._waiting.items() if key[0] != view.run},
            **{key: self._waiting.get(key, now) for key in waits},
        }
        self._views = {**self._views, view.run: view}

    def over(self, run: str) -> None:
        """A run is no longer driven here."""
        self._views = {name: view for name, view in self._views.items() if name != run}
        self._waiting = {key: since for key, since in self._waiting.items() if key[0] != run}

    def _named(self, step: str) -> str:
        """A step's label: builders name steps, and each new label costs memory for ever."""
        if step not in self._named_steps and len(self._named_steps) >= _MOST_STEPS:
            return "other"
        self._named_steps.add(step)
        return step

    def _count(self, state: str) -> int:
        return Tally[str](cell.state for view in self._views.values() for cell in view.cells)[state]

    def _age(self) -> float:
        return self._clock() - min(self._waiting.values()) if self._waiting else 0.0


@contextmanager
def show_metrics(settings: Settings, registry: CollectorRegistry) -> Iterator[None]:
    """Serve a registry at FARM_METRICS, if that is set. Raises BadInput when nothing can listen there."""
    if not settings.metrics:
        yield
        return
    with served(settings.metrics, registry):
        yield
