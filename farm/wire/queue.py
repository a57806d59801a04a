"""How both wings set up Celery: the same settings, the same queue names. No celery is imported here.

Why each setting has the value it has stands beside it; all of them were seen to matter with a real server.
"""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Literal

from farm.wire.address import tls_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.settings import Settings

KEY_PREFIX = "farm:"
# Redis has no priorities; kombu keeps a list for each step and takes from the first one that is not empty. 0 comes first.
PRIORITY_STEPS = (0, 3, 6, 9)
Priority = Literal["high", "normal", "low"]
PRIORITIES: Mapping[Priority, int] = {"high": 3, "normal": 6, "low": 9}
NORMAL: Priority = "normal"
FIRST = 0  # resolving: whole runs wait for it
_SECOND_NET_S = 600

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armhf", "i686": "i386"}


def host_arch() -> str:
    """This host's architecture as distros call it, e.g. 'amd64'."""
    machine = platform.machine()
    return _MACHINES.get(machine, machine)


def celery_config(settings: Settings) -> dict[str, object]:
    """Celery's settings, for the side that sends and for the side that takes."""
    # A reserved message comes back when this has passed, whether its task still runs or not: it must outlast every task.
    # It is only the last net; a lost attempt is noticed by its beats.
    visibility_s = settings.cell_deadline_s + 3 * _SECOND_NET_S
    return {
        "broker_url": settings.broker_url,
        # False, which is no TLS, where this is empty.
        "broker_use_ssl": tls_options(settings.broker_url, settings.ca_bundle) or False,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        # No result backend: results are objects in the store, and a backend on the same Redis loses tasks when it restarts.
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        "worker_prefetch_multiplier": 1,
        # True kills a build when Redis restarts, and may lose its message for good.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_soft_shutdown_timeout": 30,
        "worker_enable_soft_shutdown_on_idle": True,
        # Remote control is an unauthenticated broadcast: whoever writes to Redis could run it on every builder.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "visibility_timeout": visibility_s,
        "broker_transport_options": {
            "visibility_timeout": visibility_s,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "global_keyprefix": KEY_PREFIX,
            # Priorities first, and within one the queues of all distros in turn: no distro waits for another one's thousands.
            "queue_order_strategy": "round_robin",
            "priority_steps": list(PRIORITY_STEPS),
            "health_check_interval": 25,
            "socket_keepalive": not settings.broker_url.startswith("redis+socket"),
            "socket_connect_timeout": 10,
            "socket_timeout": 60,
            "retry_on_timeout": True,
        },
        "task_create_missing_queues": False,
        # The pipeline ends a container at its own deadline; these only end a pipeline that does not.
        "task_soft_time_limit": settings.cell_deadline_s + _SECOND_NET_S // 2,
        "task_time_limit": settings.cell_deadline_s + _SECOND_NET_S,
    }


def lists_of(queue: str) -> list[str]:
    """As kombu names a queue's lists: the plain name for priority 0, else the name, two control characters and the step."""
    return [queue] + [f"{queue}\x06\x16{step}" for step in PRIORITY_STEPS if step]


def task_id(message: str) -> str:
    """The id of a task in a queue; '' when it is no task."""
    try:
        return str(json.loads(message)["headers"]["id"])
    except (ValueError, KeyError, TypeError):
        return ""
