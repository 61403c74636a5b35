"""create_control_plane: the FastAPI application of every path that the data plane does not answer itself."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from importlib.metadata import version as installed_version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enn_service.api.explorer import explorer_router
from enn_service.api.feedback import FeedbackStore, feedback_router
from enn_service.api.health import health_router
from enn_service.api.introspection import introspection_router
from enn_service.api.management import Management
from enn_service.api.models import models_router
from enn_service.api.monitoring import monitoring_router
from enn_service.api.openapi.inference_docs import inference_docs_router
from enn_service.api.openapi.openapi_document import complete_document
from enn_service.api.repository import repository_router
from enn_service.errors import InvalidRequestError, RequestError, ResponseTimeoutError
from enn_service.http import paths, responses
from enn_service.http.large_work import LargeWork
from enn_service.http.request_body import ClientDisconnect
from enn_service.http.responses import error_response, response_for_exception
from enn_service.observability.counters import Counters, SharedCounters
from enn_service.runtime.registry import ModelRegistry

EXTENSIONS = ["binary_tensor_data", "classification", "explain", "model_configuration", "statistics"]
"""Extensions of V2 that the server has; `explain` is defined by this service."""
REPOSITORY_EXTENSION = "model_repository"
"""Extension that the server has if load and unload are on."""
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_control_plane(
    registry: ModelRegistry,
    counters: SharedCounters,
    management: Management,
    *,
    source_problems: Callable[[], Mapping[str, str]],
    large_work: LargeWork,
    shutting_down: Callable[[], bool],
    lifespan: Lifespan,
    seconds: float,
    keys_required: bool,
    feedback: FeedbackStore | None = None,
) -> FastAPI:
    """Return the FastAPI application.

    Args:
        registry: Models of the service.
        counters: Counters of all workers.
        management: Operations of clients with a token; without any token, they are off.
        source_problems: Returns the reason why a version of the remote repository is not copied, by "name/version".
        large_work: Runner of long computations.
        shutting_down: Returns True once the service is to end.
        lifespan: Start and end of the process.
        seconds: Maximum time until a response starts.
        keys_required: True if requests need an API key.
        feedback: Store of true values; None without a record.
    """
    api = FastAPIOffline(
        title="ENN",
        version=installed_version("enn"),
        description="Predictions of Expressive Neural Networks, each explained exactly by its bumps: see the "
        "[explorer](explorer).",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        static_url=paths.DOCS_FILES,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    _add_exception_handlers(api, counters.local)
    api.add_middleware(FaultMiddleware, counters=counters.local, seconds=seconds)
    extensions = sorted([*EXTENSIONS, REPOSITORY_EXTENSION]) if management.tokens else EXTENSIONS
    api.include_router(health_router(api.version, extensions, shutting_down, registry.not_ready_reason))
    api.include_router(monitoring_router(registry, counters))
    # Before the routes of one model, whose path template matches this path too.
    api.include_router(feedback_router(registry, management.tokens, feedback, keys_required=keys_required))
    api.include_router(models_router(registry))
    api.include_router(introspection_router(registry, large_work))
    api.include_router(repository_router(registry, management, source_problems))
    api.include_router(inference_docs_router())
    api.include_router(explorer_router())
    complete_document(api, keys_required=keys_required)
    return api


class FaultMiddleware:
    """Answers unexpected exceptions and late responses with JSON, where the framework would close the connection.

    Args:
        app: ASGI application.
        counters: Counters of this process.
        seconds: Maximum time until a response starts.
    """

    def __init__(self, app: ASGIApp, counters: Counters, seconds: float) -> None:
        self._app, self._counters, self._seconds = app, counters, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, timeout = False, asyncio.timeout(self._seconds)

        async def send_in_time(message: Message) -> None:
            nonlocal started
            started = True
            timeout.reschedule(None)  # the client may read a response as slowly as the server lets it
            await send(message)

        try:
            async with timeout:
                await self._app(scope, receive, send_in_time)
        except ClientDisconnect:
            raise  # nobody waits for an answer, and it is no fault to report
        except Exception as error:
            if started:
                raise
            late = ResponseTimeoutError(f"the response was not ready within {self._seconds:g} s; request less")
            response = _error_response(late if timeout.expired() else error, self._counters)
            await response(scope, receive, send)


def _add_exception_handlers(api: FastAPI, counters: Counters) -> None:
    """Answer every exception with {"error": text}, and count it by its reason or the name of its status."""

    @api.exception_handler(RequestError)
    async def on_request_error(_: Request, error: RequestError) -> Response:
        return _error_response(error, counters)

    @api.exception_handler(RequestValidationError)
    async def on_validation_error(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return _error_response(InvalidRequestError(f"{place}: {first['msg']}"), counters)

    @api.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> Response:
        counters.errors[HTTPStatus(error.status_code).name.lower()] += 1
        if error.headers and error.headers.get("Allow") == "GET":
            error.headers = {"Allow": "GET, HEAD"}  # the data plane answers HEAD with the headers of GET
        return _to_starlette(error_response(error.status_code, str(error.detail), error.headers))


def _error_response(error: Exception, counters: Counters) -> Response:
    counters.record_error(error)
    return _to_starlette(response_for_exception(error))


def _to_starlette(response: responses.Response) -> Response:
    return Response(response.body, response.status, dict(response.headers), response.content_type.decode())
