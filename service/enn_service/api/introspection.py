"""Routes of introspection: learned activations, response surface and profile of a whole model, with an `ETag`."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version as installed_version
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from enn_service.api.routes import MODEL_ERRORS, ModelName, Responses, error_responses, versioned
from enn_service.api.schemas import introspection as schemas
from enn_service.errors import InvalidRequestError
from enn_service.http import paths
from enn_service.inference.activation_curves import activation_curves
from enn_service.inference.response_surface import feature_axis, response_surface
from enn_service.runtime.model import ServedModel
from enn_service.runtime.registry import ModelRegistry

WORKER_THREADS = 2
"""Number of responses computed at once; the others wait, and one that times out while it waits is not computed."""
ETAG_DIGITS = 32
"""Number of hexadecimal digits of an `ETag`: half a SHA-256."""

Compute = Callable[[ServedModel], dict[str, Any]]


def introspection_router(registry: ModelRegistry) -> APIRouter:
    """Return the routes.

    Args:
        registry: Models of the service.
    """
    router = APIRouter(tags=["explore"])
    threads = ThreadPoolExecutor(WORKER_THREADS, "introspection")

    async def respond(request: Request, model: ServedModel, compute: Compute) -> Response:
        headers = {"ETag": _etag(request, model), "Cache-Control": "private, no-cache"}
        if _matches(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        body = await asyncio.get_running_loop().run_in_executor(threads, _encode, model, compute)
        return Response(body, media_type="application/json", headers=headers)

    @versioned(router, paths.ACTIVATIONS, "show_version_activations", responses=_responses(schemas.ActivationsResponse))
    async def show_activations(
        request: Request, model: ModelName, version: str | None, query: Annotated[schemas.ActivationsQuery, Query()]
    ) -> Response:
        """Return every learned activation of a model: curve, DCT coefficients, training density and importance."""
        return await respond(request, registry.get(model, version), _activations(query))

    @versioned(router, paths.SURFACE, "show_version_surface", responses=_responses(schemas.SurfaceResponse))
    async def show_surface(
        request: Request, model: ModelName, version: str | None, query: Annotated[schemas.SurfaceQuery, Query()]
    ) -> Response:
        """Return an output of a model, and on request its bumps, over a grid of two features."""
        return await respond(request, registry.get(model, version), _surface(query))

    @versioned(router, paths.PROFILE, "show_version_profile", responses=_responses(schemas.ProfileResponse))
    async def show_profile(
        request: Request, model: ModelName, version: str | None, query: Annotated[schemas.ProfileQuery, Query()]
    ) -> Response:
        """Return an output of a model, and on request its bumps, along one feature."""
        return await respond(request, registry.get(model, version), _profile(query))

    return router


def _activations(query: schemas.ActivationsQuery) -> Compute:
    return lambda model: {"layers": activation_curves(model, query.layer, query.points)}


def _surface(query: schemas.SurfaceQuery) -> Compute:
    if query.x == query.y:
        raise InvalidRequestError(f"y: feature {query.y[:140]!r} is x too; expected another, or ask for a profile")

    def compute(model: ServedModel) -> dict[str, Any]:
        x, y = (feature_axis(model, name, query.points, field) for name, field in ((query.x, "x"), (query.y, "y")))
        found = response_surface(model, (y, x), query.at, query.output, bumps=query.bumps)
        axes = {field: {"feature": axis.name, "values": axis.json_values} for field, axis in (("x", x), ("y", y))}
        return {"output": found.pop("output"), **axes, **found}

    return compute


def _profile(query: schemas.ProfileQuery) -> Compute:
    def compute(model: ServedModel) -> dict[str, Any]:
        axis = feature_axis(model, query.feature, query.points, "feature")
        found = response_surface(model, (axis,), query.at, query.output, bumps=query.bumps)
        return {"output": found.pop("output"), "feature": axis.name, "values": axis.json_values, **found}

    return compute


def _encode(model: ServedModel, compute: Compute) -> bytes:
    names = {"model_name": model.name, "model_version": model.version}
    return orjson.dumps(names | compute(model), option=orjson.OPT_SERIALIZE_NUMPY)


def _etag(request: Request, model: ServedModel) -> str:
    """Return an `ETag` that changes with the model's file, the request's target and the version of the service."""
    text = f"{installed_version('enn')} {model.version} {model.digest} {request.url.path}?{request.url.query}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:ETAG_DIGITS]}"'


def _matches(request: Request, etag: str) -> bool:
    """Return True if `If-None-Match` lists the `ETag`; weak comparison (RFC 9110, 13.1.2)."""
    listed = request.headers.get("if-none-match", "")
    return listed.strip() == "*" or etag in {part.strip().removeprefix("W/") for part in listed.split(",")}


def _responses(response: type[schemas.ModelResponse]) -> Responses:
    return {
        200: {"model": response},
        304: {"description": "The response is the one that If-None-Match names."},
        **error_responses(InvalidRequestError, *MODEL_ERRORS),
    }
