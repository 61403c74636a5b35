"""Graceful shutdown: the drain period starts once, a second signal ends it, and a retired worker stays ready."""

import signal
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, cast

from enn_service.server.shutdown import FINISH_SECONDS, GracefulShutdown

if TYPE_CHECKING:
    import asyncio


class Loop:
    """The part of an event loop that a shutdown uses; it records the scheduled calls."""

    def __init__(self) -> None:
        self.scheduled: list[float] = []
        self.last: Callable[[], object] = bool

    def call_later(self, seconds: float, call: Callable[..., object], *arguments: object) -> None:
        self.scheduled.append(seconds)
        self.last = partial(call, *arguments)


def test_first_signal_starts_drain_period_second_ends_it() -> None:
    ended: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        ended.append(number)

    stopped: list[bool] = []
    loop, shutdown = Loop(), GracefulShutdown(2.0, supervised=True, stop_work=lambda: stopped.append(True))
    events = cast("asyncio.AbstractEventLoop", loop)
    assert not shutdown.started
    shutdown._start(events, end)
    assert (shutdown.started, shutdown.ends_service, loop.scheduled, ended) == (True, False, [2.0], [])
    shutdown._end_service(events, end)
    assert (shutdown.ends_service, loop.scheduled, ended) == (True, [2.0, FINISH_SECONDS], [signal.SIGTERM])
    assert stopped == []
    loop.last()
    assert stopped == [True]
