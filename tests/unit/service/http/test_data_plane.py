"""Tests of the data plane without a server."""

import asyncio
import threading
from pathlib import Path
from typing import Any, cast

from enn_service.http.auth import ApiKeyAuth, KeySet
from enn_service.http.data_plane import WORKER_THREADS, DataPlane
from enn_service.inference.admission import MemoryBudget, Reservation
from enn_service.inference.pipeline import Deferred
from enn_service.inference.types import Endpoint, InferenceRequest
from enn_service.observability.counters import Counters, EndpointStats
from enn_service.settings import Settings

BODY = bytes(2**20)


def test_waiting_request_past_its_deadline_keeps_no_body(tmp_path: Path) -> None:
    settings = Settings(models=tmp_path, deadline_seconds=0.01)
    anything = cast("Any", None)
    plane = DataPlane(
        anything, Counters(), anything, settings, auth=ApiKeyAuth(KeySet([])), shutting_down=lambda: False
    )
    decoded: list[bytes] = []
    endpoint = Endpoint[Any](lambda _, request: decoded.append(request.body) or anything, anything)
    free = threading.Event()

    async def answer_late() -> tuple[int, Deferred]:
        work = Deferred(endpoint, anything, InferenceRequest(BODY), EndpointStats())
        reservation = Reservation(MemoryBudget(2 * len(BODY)))
        return (await plane._finish(work, {}, reservation)).status, work

    for _ in range(WORKER_THREADS):
        plane._threads.submit(free.wait)
    try:
        status, work = asyncio.run(answer_late())
        assert (status, work._request.body) == (504, b"")
    finally:
        free.set()
        plane._threads.shutdown()
    assert decoded == []
