"""Graceful shutdown: the drain period starts once, and a second signal ends it."""

import signal
from types import FrameType
from typing import TYPE_CHECKING, cast

from enn_service.server.shutdown import GracefulShutdown, Handler

if TYPE_CHECKING:
    import asyncio


class Loop:
    """The part of an event loop that a shutdown uses; it records the scheduled calls."""

    def __init__(self) -> None:
        self.scheduled: list[float] = []

    def call_later(self, seconds: float, *_: object) -> None:
        self.scheduled.append(seconds)


def start(shutdown: GracefulShutdown, loop: Loop, end: Handler) -> None:
    """Deliver one signal."""
    shutdown._start(cast("asyncio.AbstractEventLoop", loop), end)


def test_first_signal_starts_drain_period_second_ends_it() -> None:
    ended: list[int] = []
    started: list[bool] = []

    def end(number: int, _: FrameType | None) -> None:
        ended.append(number)

    loop, shutdown = Loop(), GracefulShutdown(2.0, lambda: started.append(True))
    assert not shutdown.started
    start(shutdown, loop, end)
    assert (shutdown.started, started, loop.scheduled, ended) == (True, [True], [2.0], [])
    start(shutdown, loop, end)
    assert (started, loop.scheduled, ended) == ([True], [2.0], [signal.SIGTERM])
