"""Graceful shutdown: keep responding for a drain period after SIGTERM, then stop listening."""

import asyncio
import multiprocessing
import signal
import threading
from collections.abc import Callable
from types import FrameType

FINISH_SECONDS = 3.0
"""Time after the drain period for requests in progress, in seconds; then their work is ended."""
Handler = Callable[[int, FrameType | None], object]


RETIRE = signal.SIGUSR1
"""Signal of the supervisor to a worker that another one replaces: drain, while the service stays ready."""


class GracefulShutdown:
    """Delay the end of the process by the drain period; a second signal ends it at once.

    During the drain period the process still listens and responds, but closes each connection after its response, so
    that clients move away before the address is gone. If the whole service ends, it reports that it is not ready, so
    that load balancers move away too.

    Args:
        seconds: Length of the drain period.
        supervised: True in a worker of a supervisor, which ends if the supervisor does; SIGHUP is the supervisor's
            signal to replace its workers.
        stop_work: Ends the work of requests; called FINISH_SECONDS after the drain period.

    Attributes:
        started: True once the drain period has started.
        ends_service: True once the whole service, and not only this worker, is shutting down.
    """

    def __init__(self, seconds: float, *, supervised: bool, stop_work: Callable[[], None]) -> None:
        self._seconds, self._supervised, self._stop_work = seconds, supervised, stop_work
        self.started = self.ends_service = False

    def install_signal_handlers(self) -> None:
        """Start the drain period on SIGTERM before calling the handler that the server has installed.

        Does nothing outside the main thread, where Python delivers no signals, and where no handler is installed, as
        under a test client.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        end = signal.getsignal(signal.SIGTERM)
        if not callable(end):
            return
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end_service, loop, end)
        if self._supervised:
            loop.add_signal_handler(RETIRE, self._start, loop, end)
            # A terminal that closes sends SIGHUP to the whole process group: only the supervisor acts on it.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            if (supervisor := multiprocessing.parent_process()) is not None:
                loop.add_reader(supervisor.sentinel, self._supervisor_died, loop, end, supervisor.sentinel)
        elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` has it ignored: leave it so
            loop.add_signal_handler(signal.SIGHUP, self._end_service, loop, end)

    def _supervisor_died(self, loop: asyncio.AbstractEventLoop, end: Handler, sentinel: int) -> None:
        """Shut down if the supervisor was killed: no other process would stop this worker, and it holds the port."""
        loop.remove_reader(sentinel)
        if not self.started:
            self._end_service(loop, end)

    def _end_service(self, loop: asyncio.AbstractEventLoop, end: Handler) -> None:
        """Report that the service is not ready, and start the drain period."""
        self.ends_service = True
        self._start(loop, end)

    def _start(self, loop: asyncio.AbstractEventLoop, end: Handler) -> None:
        """Start the drain period; end the process at once if it has started already."""
        if self.started:
            self._end(loop, end)
            return
        self.started = True
        loop.call_later(self._seconds, self._end, loop, end)

    def _end(self, loop: asyncio.AbstractEventLoop, end: Handler) -> None:
        """End the drain period: the server accepts no more requests."""
        end(signal.SIGTERM, None)
        loop.call_later(FINISH_SECONDS, self._stop_work)
