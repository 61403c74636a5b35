"""The factory of the ASGI application: `create_app` builds the whole service from the settings."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from typing import TYPE_CHECKING

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from enn_models.signature import Verify, verifier
from enn_service.api.control_plane import Lifespan, create_control_plane
from enn_service.api.management import Management
from enn_service.http.auth import ApiKeyAuth, KeySet
from enn_service.http.data_plane import DataPlane
from enn_service.http.inline import Service
from enn_service.http.large_work import LargeWork
from enn_service.http.middleware import apply_middleware
from enn_service.inference.admission import AdmissionControl
from enn_service.inference.heap import return_large_blocks
from enn_service.observability.access_log import AccessLog
from enn_service.observability.counters import SharedCounters
from enn_service.observability.log_config import create_request_log
from enn_service.observability.tracing import create_tracer
from enn_service.runtime.registry import ModelRegistry
from enn_service.runtime.repository_sync import RepositorySync
from enn_service.runtime.unload_state import UnloadState
from enn_service.server.run_directory import RunDirectory, run_directory
from enn_service.server.shutdown import GracefulShutdown
from enn_service.settings import Settings

if TYPE_CHECKING:
    from enn_service.inference.record.service import Record

SWITCH_SECONDS = 0.0001
"""Switch interval of the interpreter, in seconds: the longest time for which a thread with a large request blocks the
event loop. With Python's default, fifty times as long, a small request waits too long."""
POOL_THREADS = 8
"""Threads of each pool for work outside the event loop, so that a limit of processes holds on a machine of any size."""
SAVE_SECONDS = 1.0
"""Interval in seconds at which a worker saves its counters for the other workers."""

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> Service:
    """Create the whole service as an ASGI application.

    Args:
        settings: Settings of the service; None to read ENN_* variables of the environment.

    Returns:
        ASGI application for uvicorn or another server.

    Raises:
        ValueError: A middleware of the settings is not an ASGI application.

    Example:
        >>> from pathlib import Path
        >>> from enn_service.app import create_app
        >>> from enn_service.settings import Settings
        >>> app = create_app(Settings(models=Path("models/repository")))
        >>> callable(app)
        True
    """
    settings, stack = settings or Settings(), ExitStack()
    run = RunDirectory(stack.enter_context(run_directory(settings.run)))
    counters = stack.enter_context(closing(SharedCounters(run.counters)))
    registry, source = _create_repository(settings, run, counters, stack)
    middleware = apply_middleware(lambda: data_plane, settings.middleware)  # the data plane reports to it: it is later
    observers = [*filter(None, (create_tracer(), create_request_log())), *middleware.observers]
    keys, tokens = KeySet(settings.api_keys, settings.api_keys_file), KeySet.for_tokens(settings)
    large_work = _create_large_work(settings, counters, stack)
    shutdown = GracefulShutdown(settings.drain_seconds, supervised=settings.workers > 1, stop_work=large_work.stop)
    startup: list[Callable[[], None]] = [*([source.start] if source else []), registry.refresh]
    record = _create_record(settings, counters, startup, stack)
    polled = (_create_refresh(registry, counters), keys.refresh, tokens.refresh)
    periodic = [*((settings.poll_seconds, work) for work in polled), (SAVE_SECONDS, counters.save)]
    control_plane = create_control_plane(
        registry,
        counters,
        Management(registry, tokens, reaches_replicas=settings.unloaded_models is not None),
        source_problems=dict if source is None else source.status.problems,
        large_work=large_work,
        shutting_down=lambda: shutdown.ends_service,
        lifespan=_create_lifespan(stack, startup, periodic, [observer.close for observer in observers], shutdown),
        seconds=settings.deadline_seconds,
        keys_required=bool(keys),
        feedback=record and record.feedback,
    )
    data_plane = DataPlane(
        registry,
        counters.local,
        control_plane,
        settings,
        large_work=large_work,
        auth=ApiKeyAuth(keys),
        shutting_down=lambda: shutdown.started,
        observers=observers,
        access_log=stack.enter_context(closing(AccessLog())) if settings.access_log else None,
        record=record and record.recorder.observer,
    )
    inline = data_plane.inline_handler if settings.inline and not middleware.sees_every_request else None
    return Service(middleware.app if settings.middleware else data_plane, inline)


def _create_record(
    settings: Settings, counters: SharedCounters, startup: list[Callable[[], None]], resources: ExitStack
) -> "Record | None":
    """Return the record, append its start to the steps of the startup, and end it with the resources.

    None, and nothing of the record is imported, if the settings name no database.
    """
    if settings.record is None:
        return None
    from enn_service.inference.record.service import create_record  # noqa: PLC0415  (the extra `record`)

    record = create_record(settings.record.get_secret_value(), settings, counters.local)
    startup.append(record.recorder.start)
    resources.callback(record.recorder.close)
    return record


def _create_refresh(registry: ModelRegistry, counters: SharedCounters) -> Callable[[], None]:
    """Return the function that brings the models in line with the repository, and the counters with the models."""

    def refresh_models() -> None:
        registry.refresh()
        counters.drop_stale(registry.known_versions())

    return refresh_models


def _create_lifespan(
    resources: ExitStack,
    startup: Sequence[Callable[[], None]],
    periodic: Sequence[tuple[float, Callable[[], None]]],
    last_steps: Sequence[Callable[[], None]],
    shutdown: GracefulShutdown,
) -> Lifespan:
    """Return the ASGI lifespan of a worker.

    Args:
        resources: Stack that is closed when the worker ends.
        startup: Functions to call in order, each in a thread, before the first request.
        periodic: Functions to call in a thread at intervals, each with its interval in seconds.
        last_steps: Functions to call in order, each in a thread, when the worker ends.
        shutdown: Graceful shutdown, which starts at a signal.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_SECONDS)
        limit_threads()
        return_large_blocks()
        with resources:
            for step in startup:
                await asyncio.to_thread(step)
            gc.collect()
            gc.freeze()  # the objects of the start live as long as the worker: no later collection scans them
            tasks = [asyncio.create_task(_repeat(seconds, work)) for seconds, work in periodic]
            shutdown.install_signal_handlers()
            yield
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            for step in last_steps:
                await asyncio.to_thread(step)

    return lifespan


def _create_large_work(settings: Settings, counters: SharedCounters, resources: ExitStack) -> LargeWork:
    """Return the runner of large work, which ends with the resources."""
    admission = AdmissionControl(settings.max_in_flight, settings.max_held_bytes, counters.local)
    large_work = LargeWork(admission, settings.deadline_seconds)
    resources.callback(large_work.stop)
    return large_work


def _create_repository(
    settings: Settings, run: RunDirectory, counters: SharedCounters, resources: ExitStack
) -> tuple[ModelRegistry, RepositorySync | None]:
    """Return the registry of the models, and the synchronization that copies them."""
    verify = None if settings.public_key is None else verifier(settings.public_key)
    return _create_registry(settings, run, counters, verify), _create_sync(settings, run, verify, resources)


def _create_registry(
    settings: Settings, run: RunDirectory, counters: SharedCounters, verify: Verify | None
) -> ModelRegistry:
    unloaded = UnloadState(settings.unloaded_models or run.unloaded)
    return ModelRegistry(
        settings.models,
        unloaded,
        counters.local.loads,
        verify,
        allow_empty=settings.allow_empty,
        accept_unknown=settings.unknown == "accept",
    )


def _create_sync(
    settings: Settings, run: RunDirectory, verify: Verify | None, resources: ExitStack
) -> RepositorySync | None:
    """Return the synchronization with the remote repository; None if the settings name none."""
    if settings.source is None:
        return None
    source = RepositorySync(settings.source, settings.models, run.source, settings.poll_seconds, verify)
    return resources.enter_context(closing(source))


def limit_threads() -> None:
    """Limit the threads of asyncio and of the framework, whose numbers otherwise grow with the cores."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(POOL_THREADS, "work"))
    current_default_thread_limiter().total_tokens = POOL_THREADS


async def _repeat(seconds: float, work: Callable[[], None]) -> None:
    """Call a function in a thread at an interval; log an exception and go on."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(work)
        except Exception:
            logger.exception("%s failed; trying again in %s s", work.__name__, seconds)
