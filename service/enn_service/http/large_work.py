"""LargeWork: work of a request that threads compute in pieces, until its deadline or the client's disconnect."""

import asyncio
from contextlib import suppress
from typing import TypeVar

from starlette.types import Receive

from enn_service.errors import ResponseTimeoutError, ShuttingDownError
from enn_service.http.request_body import ClientDisconnect
from enn_service.inference.admission import AdmissionControl
from enn_service.inference.work_queue import Steps, Work, WorkQueue

Result = TypeVar("Result")
WORKER_THREADS = 2
"""Number of large requests that are computed at the same time; the others wait for their turns."""


class LargeWork:
    """Runs the work of requests on a queue.

    Args:
        admission: Limits of requests in flight and memory.
        seconds: Maximum time of work, with the time that it waits in the queue.

    Attributes:
        admission: Limits of requests in flight and memory.
        seconds: Maximum time of work.
    """

    def __init__(self, admission: AdmissionControl, seconds: float) -> None:
        self.admission = admission
        self.seconds = seconds
        self._queue = WorkQueue(WORKER_THREADS)

    def stop(self) -> None:
        """End all work and refuse new work, because the process ends."""
        self._queue.stop(ShuttingDownError("the service is shutting down; ask another one"))

    async def run(self, steps: Steps[Result], receive: Receive) -> Result:
        """Return the result of work; the work ends if nobody waits for it any more.

        Args:
            steps: The work.
            receive: ASGI callable of the request; the rest of its body, if any, is discarded.

        Raises:
            ResponseTimeoutError: The deadline has passed.
            ClientDisconnect: The client closed the connection.
            ShuttingDownError: The process ends.
        """
        queue, loop = self._queue, asyncio.get_running_loop()
        work = queue.submit(steps)
        late = ResponseTimeoutError(f"the answer was not there within {self.seconds:g} s; ask for fewer rows")
        timer = loop.call_later(self.seconds, queue.cancel, work, late)
        watch = loop.create_task(self._cancel_on_disconnect(work, receive))
        future = asyncio.wrap_future(work.future)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # also if nobody waits any more
        try:
            return await asyncio.shield(future)
        finally:
            timer.cancel()
            watch.cancel()
            queue.cancel(work, ClientDisconnect())  # this task may have been cancelled itself

    async def _cancel_on_disconnect(self, work: Work[Result], receive: Receive) -> None:
        with suppress(Exception):  # of a server that gives no further message
            while (await receive())["type"] != "http.disconnect":
                pass
            self._queue.cancel(work, ClientDisconnect())
