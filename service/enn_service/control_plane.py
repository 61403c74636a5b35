"""The control plane: health, metadata, the repository index and the documentation of everything, in FastAPI."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version as installed_version
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.responses import Response

from enn_service import schemas
from enn_service.errors import InvalidRequestError, RequestError
from enn_service.metadata import metadata
from enn_service.registry import Registry
from enn_service.replies import Reply, failure, refusal

NAME = "enn"
EXTENSIONS: list[str] = []
Responses = dict[int | str, dict[str, Any]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
ModelName = Annotated[str, Path(description="the model's name", json_schema_extra={"example": "ring"})]
ModelVersion = Annotated[str, Path(description="the version's name", json_schema_extra={"example": "1"})]
ERRORS: Responses = {
    400: {"model": schemas.Error, "description": "The request is not what the model takes; the text says where."},
    404: {"model": schemas.Error, "description": "No such model or version."},
    413: {"model": schemas.Error, "description": "The body is too large."},
    415: {"model": schemas.Error, "description": "The body is encoded in a way that is not read."},
    503: {"model": schemas.Error, "description": "The model's file was refused; the text says why."},
}


def create_control_plane(registry: Registry, lifespan: Lifespan) -> FastAPI:
    """Return the FastAPI application around a registry; the lifespan is the process's."""
    api = FastAPIOffline(
        title="ENN",
        version=installed_version("enn"),
        description="Predictions of Expressive Neural Networks, each explained exactly by its bumps.",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        swagger_ui_parameters={"tryItOutEnabled": True},
    )
    api.exception_handler(HTTPException)(_on_http_error)
    api.exception_handler(RequestValidationError)(_on_invalid)
    api.exception_handler(RequestError)(_on_error)
    api.exception_handler(Exception)(_on_error)
    _add_health(api, registry)
    _add_models(api, registry)
    _add_documentation(api)
    _remove_framework_errors(api.openapi())
    return api


def _add_health(api: FastAPI, registry: Registry) -> None:
    @api.get("/", tags=["health"])
    async def alive() -> dict[str, str]:
        """Say that the service runs (KServe V1)."""
        return {"status": "alive"}

    @api.get("/v2/health/live", tags=["health"])
    @api.get("/v2/health/ready", tags=["health"])
    async def health() -> dict[str, bool]:
        """Say that the service runs and every accepted model answers: models are checked before they are accepted."""
        return {"live": True, "ready": True}

    @api.get("/v2", tags=["health"])
    @api.get("/v2/", include_in_schema=False)
    async def server() -> dict[str, Any]:
        """Return the server's name, version and protocol extensions."""
        return {"name": NAME, "version": api.version, "extensions": EXTENSIONS}

    @api.post(
        "/v2/repository/index",
        tags=["models"],
        response_model=list[schemas.IndexEntry],
        openapi_extra=_body(schemas.IndexRequest, {"ready": False}),
        responses={400: ERRORS[400]},
    )
    async def index(request: Request) -> list[schemas.IndexEntry]:
        """List every version in the repository, with the reason where its file is not served."""
        ready = _wants_ready(await request.body())
        return [
            schemas.IndexEntry(
                name=_readable(state.entry.name),
                version=_readable(state.entry.version),
                state="READY" if state.model else "UNAVAILABLE",
                reason=state.reason,
            )
            for state in registry.states()
            if state.model or not ready
        ]


def _add_models(api: FastAPI, registry: Registry) -> None:
    unknown: Responses = {404: ERRORS[404], 503: ERRORS[503]}

    @api.get("/v1/models", tags=["models"])
    async def models() -> dict[str, list[str]]:
        """List the models that answer."""
        return {"models": registry.names()}

    @api.get("/v1/models/{model}", tags=["models"], responses=unknown)
    async def model_status(model: ModelName) -> dict[str, Any]:
        """Say whether a model is ready (KServe V1)."""
        return {"name": registry.model(model).name, "ready": True}

    @api.get("/v2/models/{model}/ready", tags=["models"], responses=unknown)
    async def model_ready(model: ModelName) -> dict[str, Any]:
        """Say whether a model is ready."""
        return {"name": registry.model(model).name, "ready": True}

    @api.get("/v2/models/{model}/versions/{version}/ready", tags=["models"], responses=unknown)
    async def version_ready(model: ModelName, version: ModelVersion) -> dict[str, Any]:
        """Say whether a version is ready."""
        return {"name": registry.model(model, version).name, "ready": True}

    @api.get("/v2/models/{model}", tags=["models"], responses=unknown)
    async def model_metadata(model: ModelName) -> dict[str, Any]:
        """Return a model's tensors, and its card's features, classes and scores."""
        return metadata(registry.model(model), registry.versions(model))

    @api.get("/v2/models/{model}/versions/{version}", tags=["models"], responses=unknown)
    async def version_metadata(model: ModelName, version: ModelVersion) -> dict[str, Any]:
        """Return a version's tensors, and its card's features, classes and scores."""
        return metadata(registry.model(model, version), registry.versions(model))


def _add_documentation(api: FastAPI) -> None:
    """Describe the hot paths: the data plane answers them before they get here, so these functions only document."""

    @api.post("/v1/models/{model}:predict", tags=["predict"], responses=ERRORS)
    async def predict(model: ModelName, body: schemas.PredictRequest) -> schemas.PredictResponse:  # type: ignore[empty-body]
        """Predict rows (KServe V1)."""

    @api.post("/v1/models/{model}:explain", tags=["predict"], responses=ERRORS)
    async def explain(model: ModelName, body: schemas.ExplainRequest) -> schemas.ExplainResponse:  # type: ignore[empty-body]
        """Predict rows and explain each exactly by its bumps (KServe V1)."""

    @api.post("/v2/models/{model}/infer", tags=["predict"], responses=ERRORS)
    async def infer(model: ModelName, body: schemas.InferRequest) -> schemas.InferResponse:  # type: ignore[empty-body]
        """Infer tensors (Open Inference Protocol V2); name `bumps` and `pre_activation` to get them too."""

    @api.post("/v2/models/{model}/versions/{version}/infer", tags=["predict"], responses=ERRORS)
    async def infer_version(
        model: ModelName, version: ModelVersion, body: schemas.InferRequest
    ) -> schemas.InferResponse:  # type: ignore[empty-body]
        """Infer tensors of one version."""


def _readable(name: str) -> str:
    """Return a folder's name with what is no text in it escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _remove_framework_errors(document: dict[str, Any]) -> None:
    """Leave out the framework's own 422, which no path answers with."""
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _body(schema: type[schemas.IndexRequest], example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema.model_json_schema(), "example": example}}
    return {"requestBody": {"required": False, "content": content}}


def _wants_ready(body: bytes) -> bool:
    try:
        request = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"the body is no JSON: {error}") from None
    ready = request.get("ready", False) if isinstance(request, dict) else request
    if not isinstance(ready, bool):
        raise InvalidRequestError(f'the body asks for {ready!r:.60}; expected {{"ready": true}} or {{"ready": false}}')
    return ready


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, dict(reply.headers), reply.content_type.decode())


async def _on_http_error(_: Request, error: HTTPException) -> Response:
    return _response(refusal(error.status_code, str(error.detail), error.headers))


async def _on_invalid(_: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    return _response(refusal(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))


async def _on_error(_: Request, error: Exception) -> Response:
    return _response(failure(error))
