"""Promises of the shared timeout: a task that waits too long gets a TimeoutError, and no other does."""

import asyncio

import pytest

from enn_service.http.timeouts import SharedTimeout

SHORT, LONG = 0.01, 60.0


async def wait(shared: SharedTimeout, event: asyncio.Event) -> str:
    with shared.limit():
        await event.wait()
    return "came"


def test_each_task_that_waits_too_long_gets_timeout_error() -> None:
    async def main() -> list[object]:
        timeout, never = SharedTimeout(SHORT), asyncio.Event()
        first = await asyncio.gather(*[wait(timeout, never) for _ in range(3)], return_exceptions=True)
        second = await asyncio.gather(wait(timeout, never), return_exceptions=True)
        return [*first, *second]

    assert [type(found) for found in asyncio.run(main())] == [TimeoutError] * 4


def test_event_within_timeout_does_not_cancel_task() -> None:
    async def main() -> list[str]:
        timeout, event = SharedTimeout(SHORT), asyncio.Event()
        event.set()
        found = [await wait(timeout, event), await wait(timeout, event)]
        with pytest.raises(TimeoutError):  # the timer cancels only the task that still waits
            await wait(timeout, asyncio.Event())
        await asyncio.sleep(0)
        return found

    assert asyncio.run(main()) == ["came", "came"]


def test_cancellation_by_others_stays_a_cancellation() -> None:
    async def main() -> asyncio.Task[str]:
        task = asyncio.create_task(wait(SharedTimeout(LONG), asyncio.Event()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task

    assert asyncio.run(main()).cancelled()
