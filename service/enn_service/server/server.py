"""The server: uvicorn as the service runs it, one process alone or one that keeps several at work."""

import math
import signal
import sys

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from enn_service.observability import log_config as logs
from enn_service.server.protocol import HTTPProtocol
from enn_service.server.run_directory import RunDirectory
from enn_service.settings import Settings

WORKER_START_TIMEOUT = 60
"""A worker has so long to start, with all its models, and to say that it is alive."""


def uvicorn_config(settings: Settings, app: ASGIApp | str = "enn_service.app:create_app") -> uvicorn.Config:
    """Return the server's configuration; each process makes the application and logs as the settings say."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=HTTPProtocol,
        ws="none",
        proxy_headers=False,  # nothing here asks whose address a request has
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=math.ceil(settings.deadline_seconds),
        timeout_worker_healthcheck=WORKER_START_TIMEOUT,
        log_config=logs.logging_config(settings) if isinstance(app, str) else None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
    )


def serve(settings: Settings, run: RunDirectory) -> None:
    """Serve until a signal says to end, and leave by exit status 0 if all went well."""
    config = uvicorn_config(settings)
    if settings.workers > 1:
        _Supervisor(config, run).run()
        return
    # uvicorn ends whole, and then gives the signal to who had it before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(1)


class _Supervisor(Multiprocess):
    """Keeps the workers alive, replaces them one by one on SIGHUP, and says when all of them are to end."""

    def __init__(self, config: uvicorn.Config, run: RunDirectory) -> None:
        super().__init__(config, [config.bind_socket()])
        self._run = run

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died; one that dies while it is asked closes the pipe, if nobody else holds its end."""
        for process in self.processes:
            process.child_conn.close()
        super().keep_subprocess_alive()

    def handle_term(self) -> None:
        """Say that the service goes before the workers are told to, which another SIGTERM makes go at once."""
        self._run.shutdown.mark()
        signal.signal(signal.SIGTERM, lambda *_: self.terminate_all())
        self.handle_int()

    def handle_int(self) -> None:
        """End; the address is free once the last worker has stopped listening."""
        for listener in self.sockets:
            listener.close()
        super().handle_int()
