"""Writes that wait for a disk, or for a server's answers, several at once, while what is written next is made.

Only the writes: threads that make things, too, would keep each other from working.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    Do = Callable[[Callable[[], None]], None]

_AT_ONCE = 8
_WAITING = 64  # what was made and is not written lies in memory


@contextmanager
def writes() -> Iterator[Do]:
    """A function that has a write done soon. All are done when the context ends; the first failure is raised, then or before.

    What has not begun when one fails is given up.
    """
    waiting: deque[Future[None]] = deque()

    def do(write: Callable[[], None]) -> None:
        waiting.append(pool.submit(write))
        if len(waiting) > _WAITING:
            waiting.popleft().result()

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="writes") as pool:
        try:
            yield do
            while waiting:
                waiting.popleft().result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
