"""SharedTimeout: one timer that limits the waiting time of all tasks; a timer for each task would cost more."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class SharedTimeout:
    """Cancels tasks of one event loop that wait longer than a limit.

    Args:
        seconds: Limit, the same for all tasks.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadlines: dict[asyncio.Task[object], float] = {}
        """Loop time at which each waiting task is cancelled; earliest first, as all have the same limit."""
        self._timer_set = False

    @contextmanager
    def limit(self) -> Iterator[None]:
        """Limit the time that the current task spends in this context; a task may be in one at a time.

        Raises:
            TimeoutError: The task took longer.
        """
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101  (a coroutine runs in one)
        self._deadlines[task] = loop.time() + self._seconds
        if not self._timer_set:
            self._cancel_expired(loop)
        try:
            yield
        except asyncio.CancelledError:
            # A task that still has its deadline, or was cancelled twice, was cancelled by someone else.
            if task in self._deadlines or task.uncancel():
                raise
            raise TimeoutError from None
        finally:
            self._deadlines.pop(task, None)

    def _cancel_expired(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel the tasks whose deadline has passed, and set the timer for the next deadline."""
        for task, deadline in list(self._deadlines.items()):
            if deadline > loop.time():
                break
            del self._deadlines[task]
            task.cancel()
        self._timer_set = bool(self._deadlines)
        if self._timer_set:
            loop.call_at(next(iter(self._deadlines.values())), self._cancel_expired, loop)
