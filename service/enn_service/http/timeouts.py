"""Patience: tasks that wait too long are ended, all by one timer; a timer for each would cost more than it watches."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class SharedTimeout:
    """Cancels the tasks of one event loop that wait longer than a time.

    Args:
        seconds: The time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[asyncio.Task[object], float] = {}
        """When each task that waits has waited too long, the first to come first."""
        self._watched = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let the current task wait, once at a time.

        Raises:
            TimeoutError: It took too long.
        """
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101  (a coroutine runs in one)
        self._due[task] = loop.time() + self._seconds
        if not self._watched:
            self._watch(loop)
        try:
            yield
        except asyncio.CancelledError:
            if task in self._due or task.uncancel():
                raise
            raise TimeoutError from None
        finally:
            self._due.pop(task, None)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel the tasks whose time has come, and come again when that of the next does."""
        for task, due in list(self._due.items()):
            if due > loop.time():
                break
            del self._due[task]
            task.cancel()
        self._watched = bool(self._due)
        if self._watched:
            loop.call_at(next(iter(self._due.values())), self._watch, loop)
