"""The number of threads of a worker does not grow with the cores or with the requests."""

import asyncio
import threading

from anyio.to_thread import run_sync

from enn_service.app import POOL_THREADS, limit_threads

CALLS = 50


def test_threads_of_pools_are_limited() -> None:
    release = threading.Event()

    async def main() -> int:
        limit_threads()
        before = threading.active_count()
        calls = [asyncio.create_task(run(release.wait)) for run in (asyncio.to_thread, run_sync) for _ in range(CALLS)]
        for _ in range(CALLS):
            await asyncio.sleep(0)
        try:
            return threading.active_count() - before
        finally:
            release.set()
            await asyncio.gather(*calls)

    assert asyncio.run(main()) == 2 * POOL_THREADS
