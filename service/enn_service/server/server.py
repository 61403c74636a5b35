"""Configuration of uvicorn, and the server of one process."""

import logging
import math
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import cast

import uvicorn
from pydantic import ValidationError
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from enn_models.errors import ModelError
from enn_service.observability.log_config import logging_config
from enn_service.server.listeners import url_of
from enn_service.server.protocol import HTTPProtocol
from enn_service.server.setting_faults import WrongSettingsError, describe_faults
from enn_service.server.shutdown import FINISH_SECONDS
from enn_service.settings import Settings
from enn_service.settings.checks import SettingError

SHUTDOWN_SECONDS = math.ceil(FINISH_SECONDS) + 1
"""Maximum time from the end of the drain period until all connections are closed, in seconds."""

logger = logging.getLogger(__name__)


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
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        log_config=logging_config(settings) if isinstance(app, str) else None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
    )


def load_application(config: uvicorn.Config) -> None:
    """Create the application of a configuration.

    Raises:
        WrongSettingsError: A setting that only the application can check is wrong.
    """
    try:
        config.load()
    except ValidationError as error:
        raise WrongSettingsError(describe_faults(error)) from None
    except (ModelError, SettingError) as error:
        raise WrongSettingsError([" ".join(str(error).split())]) from None


class Server(uvicorn.Server):
    """uvicorn's server, which a signal ends at once while it starts.

    uvicorn would load all models first.

    Args:
        config: uvicorn's configuration.
        clean_up: Called before the process ends during its start.
    """

    def __init__(self, config: uvicorn.Config, clean_up: Callable[[], object] | None = None) -> None:
        super().__init__(config)
        self._clean_up = clean_up

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle SIGTERM or SIGINT."""
        if self.started:
            super().handle_exit(sig, frame)
            return
        logger.info("received %s during the start; exiting", signal.Signals(sig).name)
        if self._clean_up is not None:
            self._clean_up()
        # Not `sys.exit`, which waits for the thread that loads models.
        os._exit(0)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load the models and listen."""
        try:
            await super().startup(sockets)
        except OSError as error:
            logger.error("cannot listen: %s", error)  # noqa: TRY400  (another process took the address meanwhile)
            await self.lifespan.shutdown()
            sys.exit(STARTUP_FAILURE)


class SingleServer(Server):
    """Server of a service with one process, which logs its address once it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load the models and listen."""
        await super().startup(sockets)
        if self.started and sockets:
            log_address(sockets)


def log_address(listeners: list[socket.socket]) -> None:
    """Log the address on which the service listens."""
    logger.info("running on %s (press CTRL+C to quit)", ", ".join(map(url_of, listeners)))
