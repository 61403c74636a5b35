"""Watching: what is told of each request to who asked to be told, log or trace; where nobody did, nothing is paid."""

from collections.abc import Sequence
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enn_service.http.request_id import HEADER
from enn_service.observability.events import RequestEvent, RequestObserver

if TYPE_CHECKING:
    from enn_service.inference.pipeline import Answer

SCOPE_CALL = "enn.answer"
"""Where the data plane leaves its answer in the scope of a request."""
MAX_PATH = 256


def observe_requests(app: ASGIApp, witnesses: Sequence[RequestObserver]) -> ASGIApp:
    """Return an application that tells witnesses of each request; without any, the application itself."""
    if not witnesses:
        return app

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began, started = time_ns(), perf_counter_ns()
        status, identity = 0, b""

        async def seen(message: Message) -> None:
            nonlocal status, identity
            if message["type"] == "http.response.start":
                status = message["status"]
                identity = next((value for name, value in message["headers"] if name == HEADER), b"")
            await send(message)

        try:
            await app(scope, receive, seen)
        finally:
            answer: Answer | None = scope.get(SCOPE_CALL)
            event = RequestEvent(
                identity.decode("latin-1"),
                scope["method"],
                scope["path"][:MAX_PATH],
                dict(scope["headers"]),
                status,
                answer.model.name if answer else "",
                answer.model.version if answer else "",
                answer.rows if answer else 0,
                began,
                perf_counter_ns() - started,
            )
            for witness in witnesses:
                witness(event)

    return telling
