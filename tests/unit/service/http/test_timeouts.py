"""Waiting ends after its time, and only then; who is cancelled by others is cancelled."""

import asyncio

import pytest

from enn_service.http.timeouts import SharedTimeout

SHORT, LONG = 0.01, 60.0


async def wait(patience: SharedTimeout, event: asyncio.Event) -> str:
    with patience.waiting():
        await event.wait()
    return "came"


def test_who_waits_too_long_is_told_so_one_after_the_other() -> None:
    async def main() -> list[object]:
        patience, never = SharedTimeout(SHORT), asyncio.Event()
        first = await asyncio.gather(*[wait(patience, never) for _ in range(3)], return_exceptions=True)
        second = await asyncio.gather(wait(patience, never), return_exceptions=True)
        return [*first, *second]

    assert [type(found) for found in asyncio.run(main())] == [TimeoutError] * 4


def test_what_comes_in_time_is_taken_and_the_task_goes_on() -> None:
    async def main() -> list[str]:
        patience, event = SharedTimeout(SHORT), asyncio.Event()
        event.set()
        found = [await wait(patience, event), await wait(patience, event)]
        with pytest.raises(TimeoutError):  # the time is over for those who still wait alone
            await wait(patience, asyncio.Event())
        await asyncio.sleep(0)
        return found

    assert asyncio.run(main()) == ["came", "came"]


def test_a_cancellation_by_others_stays_one() -> None:
    async def main() -> asyncio.Task[str]:
        task = asyncio.create_task(wait(SharedTimeout(LONG), asyncio.Event()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task

    assert asyncio.run(main()).cancelled()
