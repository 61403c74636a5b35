"""Configuration of uvicorn, and the command's server: a single process or a supervisor with workers."""

import math
import signal
import sys
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from enn_service.observability.log_config import logging_config
from enn_service.server.protocol import HTTPProtocol
from enn_service.server.run_directory import RunDirectory
from enn_service.settings import Settings

WORKER_START_TIMEOUT = 60
"""Maximum time for a worker to load its models and report to the supervisor, in seconds."""


def uvicorn_config(settings: Settings, app: ASGIApp | str = "enn_service.app:create_app") -> uvicorn.Config:
    """Return uvicorn's configuration for these settings.

    Args:
        settings: Settings of the service.
        app: ASGI application, or the import path of a function that creates it in each worker process. With an
            application, the configuration leaves logging as it is.
    """
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=cast("type[HTTPProtocol]", partial(HTTPProtocol, head_timeout=settings.head_seconds)),
        ws="none",
        proxy_headers=False,  # nothing depends on the client's address
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=math.ceil(settings.deadline_seconds),
        timeout_worker_healthcheck=WORKER_START_TIMEOUT,
        log_config=logging_config(settings) if isinstance(app, str) else None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
    )


def serve(settings: Settings, run: RunDirectory) -> None:
    """Serve until a signal ends the process.

    Args:
        settings: Settings of the service.
        run: Files that the workers share.

    Raises:
        SystemExit: A single process ends: with status 0 after SIGTERM, with status 1 if the server did not start.
    """
    config = uvicorn_config(settings)
    if settings.workers > 1:
        _Supervisor(config, run).run()
        return
    # uvicorn shuts down gracefully, then raises SIGTERM again for the handler that was installed before its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(1)


class _Supervisor(Multiprocess):
    """uvicorn's supervisor, which restarts dead workers and replaces all of them, one by one, on SIGHUP.

    Args:
        config: uvicorn's configuration.
        run: Files that the workers share; a mark in them announces the shutdown.
    """

    def __init__(self, config: uvicorn.Config, run: RunDirectory) -> None:
        super().__init__(config, [config.bind_socket()])
        self._run = run

    def keep_subprocess_alive(self) -> None:
        """Restart dead workers.

        The supervisor's copy of each worker's end of the pipe is closed first. Otherwise the pipe of a worker that dies
        during a health check would stay open, and the check would wait until it times out.
        """
        for process in self.processes:
            process.child_conn.close()
        super().keep_subprocess_alive()

    def handle_term(self) -> None:
        """Mark the shutdown, so that all workers report that they are not ready, then shut down.

        A second SIGTERM goes to the workers and ends their drain period at once.
        """
        self._run.shutdown.mark()
        signal.signal(signal.SIGTERM, lambda *_: self.terminate_all())
        self.handle_int()

    def handle_int(self) -> None:
        """Shut down; close the supervisor's sockets first, so that the port is free when the last worker has ended."""
        for listener in self.sockets:
            listener.close()
        super().handle_int()
