"""The application: registry, watcher and the two planes put together."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.types import ASGIApp

from enn_service.control_plane import create_control_plane
from enn_service.data_plane import DataPlane
from enn_service.registry import Registry
from enn_service.settings import Settings

SWITCH_SECONDS = 0.0005
"""How long a thread at work on a large request keeps the interpreter from the event loop; Python's default is ten times
as much, and a small request waits for it more than once."""

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Return the whole service; without settings those of the environment."""
    settings = settings or Settings()
    registry = Registry(settings.models)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_SECONDS)
        await asyncio.to_thread(registry.refresh)
        watcher = asyncio.create_task(_watch(registry, settings.poll_seconds))
        yield
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher

    return DataPlane(registry, create_control_plane(registry, lifespan), settings.max_body_bytes)


async def _watch(registry: Registry, seconds: float) -> None:
    """Look at the repository again and again; whatever one look meets, the next one happens."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(registry.refresh)
        except Exception:
            logger.exception("the repository could not be looked at; trying again in %s s", seconds)
