"""Draining: a process told to end says that it goes, answers what comes meanwhile, and only then stops listening."""

import asyncio
import multiprocessing
import signal
import threading
from collections.abc import Callable
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


class GracefulShutdown:
    """Between the signal to end and the end, which a second signal brings at once.

    Args:
        seconds: How long the process goes on to listen, so that who sends requests sees that it goes.
        told: Called when it begins, where this process is the whole service; None where another one keeps it, which
            SIGHUP is for.

    Attributes:
        begun: Whether it has begun: connections are closed with their next answer.
    """

    def __init__(self, seconds: float, told: Callable[[], None] | None) -> None:
        self._seconds, self._told = seconds, told
        self.begun = False

    def watch(self) -> None:
        """Put the drain between SIGTERM and who handles it now; in a thread, or under no server, none will come."""
        if threading.current_thread() is not threading.main_thread():
            return
        end = signal.getsignal(signal.SIGTERM)
        if not callable(end):
            return
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._begin, loop, end)
        if self._told is None:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            if (keeper := multiprocessing.parent_process()) is not None:
                loop.add_reader(keeper.sentinel, self._left_alone, loop, end, keeper.sentinel)
        elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup leaves it
            loop.add_signal_handler(signal.SIGHUP, self._begin, loop, end)

    def _left_alone(self, loop: asyncio.AbstractEventLoop, end: Handler, sentinel: int) -> None:
        """End when who keeps this process was killed: nobody else would end it, and it has the address."""
        loop.remove_reader(sentinel)
        if not self.begun:
            self._begin(loop, end)

    def _begin(self, loop: asyncio.AbstractEventLoop, end: Handler) -> None:
        if self.begun:
            end(signal.SIGTERM, None)
            return
        self.begun = True
        if self._told is not None:
            self._told()
        loop.call_later(self._seconds, end, signal.SIGTERM, None)
