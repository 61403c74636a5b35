"""Graceful shutdown: keep responding for a drain period after SIGTERM, then stop listening."""

import asyncio
import multiprocessing
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


class ShutdownMark:
    """A file that exists once the service is shutting down; all workers read it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> None:
        """Create the file."""
        self._path.touch()

    def is_marked(self) -> bool:
        """Return True if the file exists."""
        return self._path.exists()

    def clear(self) -> None:
        """Remove the file if it exists."""
        self._path.unlink(missing_ok=True)


class GracefulShutdown:
    """Delay the end of the process by the drain period; a second signal ends it at once.

    During the drain period the service still listens and responds, but reports that it is not ready and closes each
    connection after its response, so that load balancers and clients move away before the address is gone.

    Args:
        seconds: Length of the drain period.
        on_start: Called when the drain period starts. None in a worker of a supervisor: the supervisor calls it, and
            SIGHUP is the supervisor's signal to replace its workers.

    Attributes:
        started: True once the drain period has started.
    """

    def __init__(self, seconds: float, on_start: Callable[[], None] | None) -> None:
        self._seconds, self._on_start = seconds, on_start
        self.started = False

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
        loop.add_signal_handler(signal.SIGTERM, self._start, loop, end)
        if self._on_start is None:
            # A terminal that closes sends SIGHUP to the whole process group: only the supervisor acts on it.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            if (supervisor := multiprocessing.parent_process()) is not None:
                loop.add_reader(supervisor.sentinel, self._supervisor_died, loop, end, supervisor.sentinel)
        elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` has it ignored: leave it so
            loop.add_signal_handler(signal.SIGHUP, self._start, loop, end)

    def _supervisor_died(self, loop: asyncio.AbstractEventLoop, end: Handler, sentinel: int) -> None:
        """Shut down if the supervisor was killed: no other process would stop this worker, and it holds the port."""
        loop.remove_reader(sentinel)
        if not self.started:
            self._start(loop, end)

    def _start(self, loop: asyncio.AbstractEventLoop, end: Handler) -> None:
        """Start the drain period; end the process at once if it has started already."""
        if self.started:
            end(signal.SIGTERM, None)
            return
        self.started = True
        if self._on_start is not None:
            self._on_start()
        loop.call_later(self._seconds, end, signal.SIGTERM, None)
