"""Middleware that the operator declares: ASGI applications around the service, and functions that observe requests."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from enn_service.observability.event_queue import EventQueue
from enn_service.observability.events import RequestEvent
from enn_service.settings.checks import SettingError, import_factory

logger = logging.getLogger(__name__)

MAX_QUEUED = 20_000
"""Maximum number of finished requests that wait for a function `observe`; further ones are dropped."""
BATCH_SECONDS = 0.02
"""Time for which requests are collected before they are observed, in seconds."""


class Middleware(NamedTuple):
    """An application with its middleware.

    Attributes:
        app: The outermost ASGI application.
        sees_every_request: True if no request may be answered before ASGI.
        observers: Queue of each middleware that observes finished requests.
    """

    app: ASGIApp
    sees_every_request: bool
    observers: Sequence[EventQueue]


def apply_middleware(inner: Callable[[], ASGIApp], factories: Sequence[str]) -> Middleware:
    """Wrap an application in middleware.

    A middleware sees every request, unless its factory or its application has the attribute `observes_only = True`.
    If it has a method `observe(event)`, a background thread calls it with each finished request.

    Args:
        inner: Function that returns the ASGI application to wrap, which may be created later.
        factories: Import path of each factory, as `package.module:factory`; the first is the outermost.

    Raises:
        SettingError: A factory cannot be imported, does not return an application, or its `observe` is asynchronous.
    """

    def enter(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return inner()(scope, receive, send)

    app: ASGIApp = enter
    sees_every_request, observers = False, []
    for place in reversed(factories):
        factory = import_factory(place)
        try:
            wrapped: ASGIApp = factory(app)
        except Exception as error:
            raise SettingError(f"ENN_MIDDLEWARE: {place!r} raised {type(error).__name__}: {error}") from error
        if not callable(wrapped):
            raise SettingError(
                f"ENN_MIDDLEWARE: {place!r} returned {type(wrapped).__name__}; expected an ASGI application"
            )
        observes_only = bool(getattr(factory, "observes_only", False) or getattr(wrapped, "observes_only", False))
        if not observes_only:
            logger.info("middleware %s sees every request; small requests take the slower way through ASGI", place)
        observe = getattr(wrapped, "observe", None)
        if observe is not None:
            if not callable(observe) or inspect.iscoroutinefunction(observe):
                raise SettingError(f"ENN_MIDDLEWARE: observe of {place!r} is {observe!r}; expected a plain function")
            observers.append(EventQueue(_each(observe, place), MAX_QUEUED, BATCH_SECONDS, f"observed by {place}"))
        sees_every_request |= not observes_only
        app = wrapped
    return Middleware(app, sees_every_request, observers)


def _each(observe: Callable[[RequestEvent], object], place: str) -> Callable[[Sequence[RequestEvent]], None]:
    """Return a function that calls `observe` with each event; an exception is logged and the next event follows."""

    def observe_all(events: Sequence[RequestEvent]) -> None:
        for event in events:
            try:
                observe(event)
            except Exception:
                logger.exception("middleware %s could not observe request %s", place, event.id)

    return observe_all
