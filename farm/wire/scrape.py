"""Where Prometheus reads what a process counts: the same for both wings."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from farm.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry

STEP_BUCKETS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 2400, 4800)  # seconds


@contextmanager
def served(where: str, registry: CollectorRegistry) -> Iterator[None]:
    """Serve a registry at host:port. Raises BadInput when nothing can listen there."""
    from prometheus_client import start_http_server  # noqa: PLC0415 - it reads a variable that builders set first

    host, _, port = where.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host, registry)
    except (OSError, OverflowError) as error:
        raise BadInput(f"metrics cannot be shown at {where}: {error}", hint="set FARM_METRICS to host:port") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
