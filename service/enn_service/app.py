"""create_app: builds the ASGI application from the settings."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress

from fastapi import FastAPI

from enn_models.signature import verifier
from enn_service.api.control_plane import create_control_plane
from enn_service.http.auth import ApiKeyAuth, KeySet
from enn_service.http.data_plane import DataPlane
from enn_service.http.inline import Service
from enn_service.observability.counters import SharedCounters
from enn_service.observability.log_config import create_request_log
from enn_service.observability.tracing import create_tracer
from enn_service.runtime.registry import ModelRegistry
from enn_service.runtime.repository_sync import RepositorySync
from enn_service.runtime.unload_state import UnloadState
from enn_service.server.run_directory import RunDirectory, run_directory
from enn_service.server.shutdown import GracefulShutdown
from enn_service.settings import Settings

SWITCH_SECONDS = 0.0005
"""Interpreter's switch interval: the time for which a thread with a large request may keep the event loop waiting. The
default of Python is ten times as long, and a small request can wait several times."""
SAVE_SECONDS = 1.0
"""Interval at which a worker saves its counters for the other workers."""

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> Service:
    """Create the whole service as an ASGI application.

    Args:
        settings: Settings of the service; None to read ENN_* variables of the environment.

    Returns:
        ASGI application for uvicorn or another server.

    Example:
        >>> from pathlib import Path
        >>> from enn_service.app import create_app
        >>> from enn_service.settings import Settings
        >>> app = create_app(Settings(models=Path("models/repository")))
        >>> callable(app)
        True
    """
    settings = settings or Settings()
    stack = ExitStack()
    run = RunDirectory(stack.enter_context(run_directory(settings.run)))
    tallies = SharedCounters(run.counters)
    stack.callback(tallies.close)
    verify = None if settings.public_key is None else verifier(settings.public_key)
    registry = ModelRegistry(settings.models, UnloadState(run.unloaded), tallies.local.loads, verify)
    source = _source(settings, run)
    observers = [observer for observer in (create_tracer(), create_request_log()) if observer is not None]

    keys, tokens = KeySet(settings.api_keys, settings.api_keys_file), KeySet.for_tokens(settings)
    drain = GracefulShutdown(settings.drain_seconds, run.shutdown.mark if settings.workers == 1 else None)

    def look() -> None:
        if source is not None:
            source.sync()
        registry.refresh()
        tallies.drop_stale(registry.known_versions())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_SECONDS)
        with stack:
            if source is not None:
                await asyncio.to_thread(source.initial_sync)
            await asyncio.to_thread(registry.refresh)
            gc.collect()
            gc.freeze()  # what is there now stays, and need not be looked through again
            tasks = [
                asyncio.create_task(_every(settings.poll_seconds, look)),
                *(asyncio.create_task(_every(settings.poll_seconds, each.refresh)) for each in (keys, tokens)),
                asyncio.create_task(_every(SAVE_SECONDS, tallies.save)),
            ]
            drain.install_signal_handlers()
            yield
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            for observer in observers:
                await asyncio.to_thread(observer.close)

    control_plane = create_control_plane(
        registry,
        tallies,
        tokens,
        shutting_down=run.shutdown.is_marked,
        lifespan=lifespan,
        seconds=settings.deadline_seconds,
    )
    data_plane = DataPlane(
        registry,
        tallies.local,
        control_plane,
        settings,
        auth=ApiKeyAuth(keys),
        shutting_down=lambda: drain.started,
        observers=observers,
    )
    return Service(data_plane, data_plane.inline_handler if settings.inline else None)


def _source(settings: Settings, run: RunDirectory) -> RepositorySync | None:
    if settings.source is None:
        return None
    return RepositorySync(settings.source, settings.models, run.source, settings.poll_seconds)


async def _every(seconds: float, work: Callable[[], None]) -> None:
    """Do something again and again; whatever happens once, the next time comes."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(work)
        except Exception:
            logger.exception("%s failed; trying again in %s s", work.__name__, seconds)
