"""Interface by which the server lets the data plane answer a whole small request before ASGI."""

from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from enn_service.http.request_id import RequestId
from enn_service.http.responses import Response
from enn_service.inference.pipeline import Deferred
from enn_service.inference.types import EncodedResponse
from enn_service.runtime.model import ServedModel

SCOPE_UNFINISHED = "enn.unfinished"
"""Key of the ASGI scope under which the server passes on what a responder could not finish."""


class Unfinished:
    """A request that was read before ASGI and is to be finished by the application, which reads nothing again.

    Args:
        work: A complete response that is too large to write at once, or the inference that a thread has to finish.
        model: Model of the request, for the observers.
        rows: Number of rows in a complete response, for the observers.
    """

    __slots__ = ("model", "rows", "work")

    def __init__(self, work: Response | Deferred, model: ServedModel, rows: int = 0) -> None:
        self.work, self.model, self.rows = work, model, rows


InlineResponder = Callable[[bytes], tuple[Response | EncodedResponse, RequestId] | Unfinished | None]
"""Answers a request with this body. None if nothing has been done, and the application has to answer."""


class Service:
    """ASGI application that `create_app` returns.

    Args:
        app: ASGI application that answers every request.
        inline: Answers some of them before ASGI; None if `app` has to see every request.

    Attributes:
        inline: Handler of inline requests; the server looks for this attribute.
    """

    def __init__(self, app: ASGIApp, inline: "InlineHandler | None") -> None:
        self._app = app
        self.inline = inline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection to the ASGI application."""
        await self._app(scope, receive, send)


class InlineHandler(Protocol):
    """Chooses the requests that are answered before ASGI."""

    def __call__(self, target: bytes, headers: Mapping[bytes, bytes], client: str = "") -> InlineResponder | None:
        """Return the responder of a POST request with this head; None if the application has to answer it.

        Args:
            target: Request target as it stands in the request line.
            headers: Request headers, names in lower case.
            client: Address of the client.
        """
        ...
