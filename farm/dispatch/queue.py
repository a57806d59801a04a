"""Sending tasks to builders by name. What a task carries is an id, never a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import Celery
from kombu.exceptions import OperationalError

from farm.wire.address import unavailable
from farm.wire.messages import BUILD_TASK, RESOLVE_TASK, ResolveRequest, WakeUp
from farm.wire.queue import FIRST, NORMAL, PRIORITIES, celery_config

if TYPE_CHECKING:
    from farm.plan.cell import Cell
    from farm.settings import Settings
    from farm.wire.queue import Priority


class TaskQueue:
    """Where tasks are put."""

    def __init__(self, settings: Settings) -> None:
        """Connect lazily to `settings.broker_url`."""
        self._url = settings.broker_url
        self._app = Celery("farm", set_as_current=False)
        self._app.conf.update(celery_config(settings))

    def close(self) -> None:
        """Let the connections go."""
        self._app.close()

    def wake(self, run: str, cell: Cell, queue: str, priority: Priority = NORMAL) -> None:
        """Tell the builders of a queue that there may be work."""
        message = WakeUp(run=run, cell=str(cell)).model_dump()
        self._send(BUILD_TASK, message, queue, wake_id(run, cell), PRIORITIES[priority])

    def resolve(self, request: ResolveRequest, queue: str) -> None:
        """Ask a builder for the inputs of a distro and arch."""
        self._send(RESOLVE_TASK, request.model_dump(mode="json"), queue, f"{request.run}/resolve/{request.reply}", FIRST)

    def _send(self, task: str, message: dict[str, object], queue: str, task_id: str, priority: int) -> None:
        try:
            self._app.amqp.queues.add(queue)
            # One quick try: the loop sends again by itself.
            self._app.send_task(task, [message], queue=queue, task_id=task_id, priority=priority, retry=False)
        except (OperationalError, OSError) as error:
            raise unavailable(self._url, "takes no message", error) from error


def wake_id(run: str, cell: Cell) -> str:
    """The task id of a wake-up, by which it is found again in the queue."""
    return f"{run}/{cell}"
