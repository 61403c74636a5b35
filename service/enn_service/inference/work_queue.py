"""WorkQueue: threads that compute large requests piece by piece, the shortest first, and end those no longer wanted."""

from collections.abc import Callable, Generator
from concurrent.futures import Future
from threading import Condition, Thread
from time import perf_counter
from traceback import clear_frames
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
Steps = Generator[float | None, None, Result]
"""Work that stops between its pieces, which take some milliseconds each.

It yields its expected total time in seconds once it knows it, else None."""
TURN_SECONDS = 0.005
"""Shortest time for which a thread stays with one work, so that choosing the next costs little."""


class Work(Generic[Result]):
    """Work in a queue.

    Args:
        steps: The work.

    Attributes:
        future: Future with the result.
        number: Number of works that came before.
        result: Result of finished work.
    """

    result: Result

    def __init__(self, steps: Steps[Result]) -> None:
        self.future: Future[Result] = Future()
        self._steps: Steps[Result] | None = steps
        self._expected = self._used = 0.0
        self.number = 0

    @property
    def seconds(self) -> float:
        """Expected time, or the time used if that is longer."""
        return max(self._expected, self._used)

    def run_turn(self) -> bool:
        """Run some pieces; return True if they were the last. Raises what the work raises."""
        steps, began = self._steps, perf_counter()
        assert steps is not None  # noqa: S101  (ended work is not in the queue)
        until = began + TURN_SECONDS
        try:
            while (now := perf_counter()) < until:
                expected = next(steps)
                self._expected = self._expected if expected is None else expected
        except StopIteration as stop:
            self.result = stop.value
            return True
        self._used += now - began
        return False

    def close(self) -> None:
        """Drop the work and what it holds."""
        if self._steps is not None:
            self._steps.close()
            self._steps = None


Rank = Callable[[Work[Any]], tuple[float, int]]


def _shortest(work: Work[Any]) -> tuple[float, int]:
    return work.seconds, work.number


def _oldest(work: Work[Any]) -> tuple[float, int]:
    return 0.0, work.number


class WorkQueue:
    """Queue of work for a few threads.

    A thread runs some pieces of a work, then chooses again. The first thread chooses the shortest work, by its expected
    time, so small work passes large work that has begun. The others choose the oldest work, so none waits for ever.

    Args:
        threads: Number of threads; each starts when it is first needed.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._started = self._submitted = 0
        self._waiting: list[Work[Any]] = []
        self._running: set[Work[Any]] = set()
        self._changed = Condition()
        self._refusal: Exception | None = None

    def submit(self, steps: Steps[Result]) -> Work[Result]:
        """Add work, and return it with the future of its result.

        Args:
            steps: The work.

        Raises:
            Exception: The queue has been stopped with this exception.
        """
        work = Work(steps)
        with self._changed:
            if self._refusal is not None:
                raise self._refusal
            self._submitted += 1
            work.number = self._submitted
            self._waiting.append(work)
            if self._started < self._threads:
                rank = _oldest if self._started else _shortest
                self._started += 1
                Thread(target=self._serve, args=(rank,), name=f"large-{self._started}", daemon=True).start()
            self._changed.notify()
        return work

    def cancel(self, work: Work[Any], error: Exception) -> None:
        """End work: its future raises the error, and the thread that computes it stops after the current piece."""
        with self._changed:
            if not work.future.done():
                work.future.set_exception(error)
            if work in self._waiting:
                self._waiting.remove(work)
                work.close()

    def stop(self, error: Exception) -> None:
        """End all work, refuse new work, and let the threads end.

        Args:
            error: Exception of the ended and the refused work.
        """
        with self._changed:
            self._refusal = error
            for work in [*self._waiting, *self._running]:
                self.cancel(work, error)
            self._changed.notify_all()

    def _serve(self, rank: Rank) -> None:
        while self._serve_turn(rank):
            pass

    def _serve_turn(self, rank: Rank) -> bool:
        """Wait for work and run one turn of that of the lowest rank; return False once the queue has been stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._refusal is not None)
            if not self._waiting:
                return False
            work = min(self._waiting, key=rank)
            self._waiting.remove(work)
            self._running.add(work)
        done, error = True, None
        try:
            done = work.run_turn()
        except BaseException as raised:  # noqa: BLE001  (belongs to the request)
            clear_frames(raised.__traceback__)  # a kept exception must not keep the values of the work
            error = raised
        with self._changed:
            self._running.remove(work)
            if not done and not work.future.done():
                self._waiting.append(work)
                return True
            work.close()
            if not work.future.done() and error is not None:
                work.future.set_exception(error)
            elif not work.future.done():
                work.future.set_result(work.result)
            del error  # its traceback refers to this frame
        return True
