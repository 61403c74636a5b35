"""CountRequests: an ASGI middleware that only observes, for the setting ENN_MIDDLEWARE of the measured service."""

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from enn_service.observability.events import RequestEvent

FIRST = "the middleware has observed its first request"
"""Line of the log that proves that the middleware observes."""


class CountRequests:
    """Pass each request on, and count the finished ones."""

    observes_only = True

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application."""
        await self.app(scope, receive, send)

    def observe(self, _: RequestEvent) -> None:
        """Count a finished request, and log the first."""
        if not self.requests:
            logging.getLogger("enn_service.middleware").info(FIRST)
        self.requests += 1
