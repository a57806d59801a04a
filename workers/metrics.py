"""What a builder counts, as Prometheus reads it: its slots are processes, and write into files that the worker adds up."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.wire.scrape import STEP_BUCKETS, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

    from farm.settings import Settings
    from farm.wire.messages import Result

_METERS: dict[str, Any] = {}  # of this process, made when something is first counted: a slot is forked before
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shown(settings: Settings, slots: int, engine: Callable[[], bool]) -> Iterator[None]:
    """Serve this builder's metrics at FARM_METRICS, if that is set. Entered before any slot is started. Raises BadInput."""
    if not settings.metrics:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="farm-metrics-") as folder:
        os.environ[_FOLDER] = folder  # prometheus_client reads it when it is imported
        try:
            with _served(settings, slots, engine):
                yield
        finally:
            del os.environ[_FOLDER]


@contextmanager
def _served(settings: Settings, slots: int, engine: Callable[[], bool]) -> Iterator[None]:
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - after the variable is set
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Host(settings, slots, engine))
    with served(settings.metrics, registry):
        yield


class _Host:
    """What is looked up at the moment of asking."""

    def __init__(self, settings: Settings, slots: int, engine: Callable[[], bool]) -> None:
        self._settings, self._slots, self._engine = settings, slots, engine

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client asks."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - after the variable above is set

        yield GaugeMetricFamily("farm_builder_slots", "Cells that this builder builds at once.", self._slots)
        up = "Whether this builder's container engine answers (1) or not (0)."
        yield GaugeMetricFamily("farm_builder_engine_up", up, int(self._engine()))
        disk = GaugeMetricFamily(
            "farm_builder_disk_free_bytes", "Free bytes where attempts and the cache lie.", labels=["place"]
        )
        for place, folder in (("work", Path(tempfile.gettempdir())), ("cache", _existing(self._settings.cache))):
            disk.add_metric([place], shutil.disk_usage(folder).free)
        yield disk


def _existing(folder: Path) -> Path:
    return next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())


def attempted(result: Result) -> None:
    """Count an attempt that this slot made."""
    if not os.environ.get(_FOLDER):
        return
    from prometheus_client import Counter, Histogram  # noqa: PLC0415 - most builders do not count

    if "attempts" not in _METERS:
        _METERS["attempts"] = Counter("farm_builder_attempts", "Attempts that this builder made, by how they ended.", ["state"])
        buckets = STEP_BUCKETS
        _METERS["steps"] = Histogram("farm_builder_step_duration_seconds", "How long steps took.", ["step"], buckets=buckets)
    _METERS["attempts"].labels(result.failure.kind if result.failure else "built").inc()
    for step in result.steps:
        _METERS["steps"].labels(step.step).observe(step.seconds)


def cache(what: str, *, hit: bool) -> None:
    """Count a look into a cache: 'source' or 'image'."""
    if not os.environ.get(_FOLDER):
        return
    from prometheus_client import Counter  # noqa: PLC0415 - see above

    if "cache" not in _METERS:
        _METERS["cache"] = Counter("farm_builder_cache_lookups", "Looks into this builder's caches.", ["cache", "result"])
    _METERS["cache"].labels(what, "hit" if hit else "miss").inc()
