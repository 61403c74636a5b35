"""Tests of large work without a server: its deadline, the client's disconnect, and the end of its task."""

import asyncio
import threading
from collections.abc import Generator

import pytest
from starlette.types import Message, Receive

from enn_service.errors import ResponseTimeoutError, ShuttingDownError
from enn_service.http.large_work import WORKER_THREADS, LargeWork
from enn_service.http.request_body import ClientDisconnect
from enn_service.inference.admission import AdmissionControl
from enn_service.observability.counters import Counters
from support.endless import endless

SECONDS = 30


def large_work(seconds: float) -> LargeWork:
    return LargeWork(AdmissionControl(1, 1, Counters()), seconds)


def brief() -> Generator[float | None, None, str]:
    yield 0.001
    return "done"


def receiving(*kinds: str) -> Receive:
    """Return an ASGI `receive` that gives messages of some kinds, then none."""
    messages = list(kinds)

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return {"type": messages.pop(0)}

    return receive


@pytest.mark.parametrize(
    ("seconds", "kinds", "error"),
    [
        (0.01, (), ResponseTimeoutError),
        (0.01, ("http.request",), ResponseTimeoutError),
        (SECONDS, ("http.request", "http.disconnect"), ClientDisconnect),
    ],
)
def test_deadline_or_disconnect_ends_the_work(seconds: float, kinds: tuple[str, ...], error: type[Exception]) -> None:
    work = large_work(seconds)
    for _ in range(2 * WORKER_THREADS):  # no thread is left to an earlier one
        with pytest.raises(error):
            asyncio.run(work.run(endless(threading.Event()), receiving(*kinds)))
    work.stop()


def test_cancelled_task_ends_its_work() -> None:
    work, closed, started = large_work(SECONDS), threading.Event(), threading.Event()

    async def main() -> None:
        task = asyncio.create_task(work.run(endless(closed, started), receiving()))
        assert await asyncio.to_thread(started.wait, SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert closed.wait(SECONDS)
    work.stop()


def test_result_is_returned_while_the_client_waits() -> None:
    work = large_work(SECONDS)
    assert asyncio.run(work.run(brief(), receiving("http.request"))) == "done"
    work.stop()
    with pytest.raises(ShuttingDownError):
        asyncio.run(work.run(brief(), receiving()))
