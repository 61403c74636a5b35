"""The control plane: health, metadata, statistics, the repository and the documentation of everything, in FastAPI."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from importlib.metadata import version as installed_version
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enn_service.api.explorer import PATH as EXPLORER
from enn_service.api.explorer import create_explorer
from enn_service.api.inference_docs import MODEL_ERRORS, ModelName, ModelVersion, error_responses, inference_docs_router
from enn_service.api.introspection import introspection_router
from enn_service.api.repository import repository_router
from enn_service.api.schemas import repository as administration
from enn_service.errors import (
    InvalidRequestError,
    RequestError,
    ResponseTimeoutError,
    ShuttingDownError,
)
from enn_service.http.auth import KeySet
from enn_service.http.responses import Response as RawResponse
from enn_service.http.responses import error_response, response_for_exception
from enn_service.observability.counters import Counters, SharedCounters
from enn_service.observability.prometheus import render_prometheus
from enn_service.protocols.v2_metadata import configuration, metadata
from enn_service.protocols.v2_statistics import statistics
from enn_service.runtime.registry import ModelRegistry

NAME = "enn"
EXTENSIONS = ["binary_tensor_data", "classification", "explain", "model_configuration", "statistics"]
"""What the server has beyond the core of V2; explain is its own."""
MANAGEMENT = "model_repository"
"""The extension that is there with load and unload."""
UNAVAILABLE = error_responses(*MODEL_ERRORS)
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_control_plane(
    registry: ModelRegistry,
    tallies: SharedCounters,
    tokens: KeySet,
    *,
    draining: Callable[[], bool],
    lifespan: Lifespan,
    seconds: float,
) -> FastAPI:
    """Return the FastAPI application.

    Args:
        registry: Where the models are.
        tallies: What was counted.
        tokens: What load and unload take; where there are none, they are off.
        draining: Says whether the service is to end.
        lifespan: The process's.
        seconds: How long an answer may take.
    """
    api = FastAPIOffline(
        title="ENN",
        version=installed_version("enn"),
        description="Predictions of Expressive Neural Networks, each explained exactly by its bumps: see the "
        "[explorer](explorer).",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        swagger_ui_parameters={"tryItOutEnabled": True},
    )
    _answer_errors(api, tallies.local)
    api.add_middleware(FaultMiddleware, count=tallies.local, seconds=seconds)
    extensions = sorted([*EXTENSIONS, MANAGEMENT]) if tokens else EXTENSIONS
    api.include_router(_health(api.version, extensions, draining))
    api.include_router(_counts(registry, tallies))
    api.include_router(_models(registry))
    api.include_router(introspection_router(registry))
    api.include_router(repository_router(registry, tokens))
    api.include_router(inference_docs_router())
    api.include_router(create_explorer())
    _remove_framework_errors(api.openapi())
    return api


def _health(version: str, extensions: list[str], draining: Callable[[], bool]) -> APIRouter:
    api = APIRouter(tags=["health"])

    @api.get("/", response_model=dict[str, str])
    async def alive(request: Request, response: Response) -> Any:  # noqa: ANN401  (the body, or where to go)
        """Say that the service runs (KServe V1); a browser is led to the explorer."""
        vary = {"vary": "accept"}
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(EXPLORER.removeprefix("/"), 303, vary)
        response.headers.update(vary)
        return {"status": "alive"}

    @api.get("/v2/health/live")
    async def live() -> dict[str, bool]:
        """Say that the service runs."""
        return {"live": True, "ready": not draining()}

    @api.get("/v2/health/ready", responses=error_responses(ShuttingDownError))
    async def ready() -> dict[str, bool]:
        """Say that every accepted model answers, as they are checked before; 503 once the service is to end."""
        if draining():
            raise ShuttingDownError("the service is to end; what it is asked meanwhile is answered")
        return {"live": True, "ready": True}

    @api.get("/v2")
    @api.get("/v2/", include_in_schema=False)
    async def server() -> dict[str, Any]:
        """Return the server's name, version and protocol extensions."""
        return {"name": NAME, "version": version, "extensions": extensions}

    return api


def _counts(registry: ModelRegistry, tallies: SharedCounters) -> APIRouter:
    api = APIRouter(tags=["counts"])

    @api.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def metrics() -> Response:
        """Return what all workers have counted, as Prometheus reads it."""
        served = [(model.name, model.version) for model in registry.ready_models()]
        return Response(
            render_prometheus(tallies.total().only(registry.known_versions()), served), media_type=CONTENT_TYPE_LATEST
        )

    @api.get("/v2/models/stats", response_model=administration.Statistics)
    def all_statistics() -> dict[str, Any]:
        """Return the statistics of every version that answers."""
        return statistics(registry.ready_models(), tallies.total())

    @api.get("/v2/models/{model}/stats", response_model=administration.Statistics, responses=UNAVAILABLE)
    def model_statistics(model: ModelName) -> dict[str, Any]:
        """Return the statistics of every version of a model."""
        registry.get(model)
        return statistics(registry.ready_models(model), tallies.total())

    @api.get(
        "/v2/models/{model}/versions/{version}/stats", response_model=administration.Statistics, responses=UNAVAILABLE
    )
    def version_statistics(model: ModelName, version: ModelVersion) -> dict[str, Any]:
        """Return the statistics of a version."""
        return statistics([registry.get(model, version)], tallies.total())

    return api


def _models(registry: ModelRegistry) -> APIRouter:
    api = APIRouter(tags=["models"])

    @api.get("/v1/models")
    async def models() -> dict[str, list[str]]:
        """List the models that answer."""
        return {"models": registry.ready_names()}

    @api.get("/v1/models/{model}", responses=UNAVAILABLE)
    async def model_status(model: ModelName) -> dict[str, Any]:
        """Say whether a model is ready (KServe V1)."""
        return {"name": registry.get(model).name, "ready": True}

    @api.get("/v1/models/{model}/versions/{version}", responses=UNAVAILABLE)
    async def version_status(model: ModelName, version: ModelVersion) -> dict[str, Any]:
        """Say whether a version is ready."""
        return {"name": registry.get(model, version).name, "ready": True}

    @api.get("/v2/models/{model}/ready", responses=UNAVAILABLE)
    async def model_ready(model: ModelName) -> dict[str, Any]:
        """Say whether a model is ready."""
        return {"name": registry.get(model).name, "ready": True}

    @api.get("/v2/models/{model}/versions/{version}/ready", responses=UNAVAILABLE)
    async def version_ready(model: ModelName, version: ModelVersion) -> dict[str, Any]:
        """Say whether a version is ready."""
        return {"name": registry.get(model, version).name, "ready": True}

    @api.get("/v2/models/{model}/config", responses=UNAVAILABLE)
    async def model_configuration(model: ModelName) -> dict[str, Any]:
        """Return a model's configuration (Triton's extension)."""
        return configuration(registry.get(model))

    @api.get("/v2/models/{model}/versions/{version}/config", responses=UNAVAILABLE)
    async def version_configuration(model: ModelName, version: ModelVersion) -> dict[str, Any]:
        """Return a version's configuration (Triton's extension)."""
        return configuration(registry.get(model, version))

    @api.get("/v2/models/{model}", responses=UNAVAILABLE)
    async def model_metadata(model: ModelName) -> dict[str, Any]:
        """Return a model's tensors, and its card's features, classes and scores."""
        return metadata(registry.get(model), registry.ready_versions(model))

    @api.get("/v2/models/{model}/versions/{version}", responses=UNAVAILABLE)
    async def version_metadata(model: ModelName, version: ModelVersion) -> dict[str, Any]:
        """Return a version's tensors, and its card's features, classes and scores."""
        return metadata(registry.get(model, version), registry.ready_versions(model))

    return api


class FaultMiddleware:
    """Answers what nobody expected, where the framework would end the connection, and what takes too long.

    Args:
        app: The application.
        count: Where that is counted.
        seconds: How long it may take to begin an answer.
    """

    def __init__(self, app: ASGIApp, count: Counters, seconds: float) -> None:
        self._app, self._count, self._seconds = app, count, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event as ASGI asks."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, patience = False, asyncio.timeout(self._seconds)

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            patience.reschedule(None)
            await send(message)

        try:
            async with patience:
                await self._app(scope, receive, sending)
        except Exception as error:
            if begun:
                raise
            late = ResponseTimeoutError(f"the answer was not there within {self._seconds:g} s; ask for less")
            await _refused(late if patience.expired() else error, self._count)(scope, receive, send)


def _remove_framework_errors(document: dict[str, Any]) -> None:
    """Leave out the framework's own 422, which no path answers with."""
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _answer_errors(api: FastAPI, count: Counters) -> None:
    """Answer each error in the shape of all, and count it; what the framework refuses itself by the status's name."""

    @api.exception_handler(RequestError)
    async def on_error(_: Request, error: RequestError) -> Response:
        return _refused(error, count)

    @api.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return _refused(InvalidRequestError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"), count)

    @api.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> Response:
        count.errors[HTTPStatus(error.status_code).name.lower()] += 1
        return _response(error_response(error.status_code, str(error.detail), error.headers))


def _refused(error: Exception, count: Counters) -> Response:
    count.record_error(error)
    return _response(response_for_exception(error))


def _response(reply: RawResponse) -> Response:
    return Response(reply.body, reply.status, dict(reply.headers), reply.content_type.decode())
