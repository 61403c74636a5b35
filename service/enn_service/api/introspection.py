"""Exploring: the routes about a whole model, whose answers stay good until the model's file is another one."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version as installed_version
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from enn_service.api.inference_docs import MODEL_ERRORS, ModelName, ModelVersion, Responses, error_responses
from enn_service.api.schemas import introspection as exploration
from enn_service.errors import InvalidRequestError
from enn_service.inference.activation_curves import activation_curves
from enn_service.inference.response_surface import feature_axis, response_surface
from enn_service.runtime.model import ServedModel
from enn_service.runtime.registry import ModelRegistry

AT_ONCE = 2
"""How many answers are computed at once; the others wait, and one whose time is over by then is never begun."""
LETTERS = 32
"""Of an ETag: half a SHA-256."""
ERRORS = error_responses(InvalidRequestError, *MODEL_ERRORS)

Ask = Callable[[ServedModel], dict[str, Any]]
Activations = Annotated[exploration.ActivationsQuery, Query()]
Surface = Annotated[exploration.SurfaceQuery, Query()]
Profile = Annotated[exploration.ProfileQuery, Query()]


def introspection_router(registry: ModelRegistry) -> APIRouter:
    """Return the routes activations, surface and profile under /v1/models/{model}, of any version."""
    api = APIRouter(prefix="/v1/models/{model}", tags=["explore"])
    large = ThreadPoolExecutor(AT_ONCE, "exploring")

    async def answer(request: Request, model: ServedModel, ask: Ask) -> Response:
        headers = {"ETag": _tag(request, model), "Cache-Control": "no-cache"}
        if _is_known(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        body = await asyncio.get_running_loop().run_in_executor(large, _written, model, ask)
        return Response(body, media_type="application/json", headers=headers)

    @api.get("/activations", responses=_responses(exploration.ActivationsResponse))
    async def show_activations(request: Request, model: ModelName, asked: Activations) -> Response:
        """Return every learned activation: its curve, DCT coefficients, the training data on it, its importance."""
        return await answer(request, registry.get(model), _activations(asked))

    @api.get("/versions/{version}/activations", responses=_responses(exploration.ActivationsResponse))
    async def show_version_activations(
        request: Request, model: ModelName, version: ModelVersion, asked: Activations
    ) -> Response:
        """Return every learned activation of a version."""
        return await answer(request, registry.get(model, version), _activations(asked))

    @api.get("/surface", responses=_responses(exploration.SurfaceResponse))
    async def show_surface(request: Request, model: ModelName, asked: Surface) -> Response:
        """Return an output, and on request its bumps, over the plane of two features."""
        return await answer(request, registry.get(model), _surface(asked))

    @api.get("/versions/{version}/surface", responses=_responses(exploration.SurfaceResponse))
    async def show_version_surface(
        request: Request, model: ModelName, version: ModelVersion, asked: Surface
    ) -> Response:
        """Return an output of a version over the plane of two features."""
        return await answer(request, registry.get(model, version), _surface(asked))

    @api.get("/profile", responses=_responses(exploration.ProfileResponse))
    async def show_profile(request: Request, model: ModelName, asked: Profile) -> Response:
        """Return an output, and on request its bumps, along one feature."""
        return await answer(request, registry.get(model), _profile(asked))

    @api.get("/versions/{version}/profile", responses=_responses(exploration.ProfileResponse))
    async def show_version_profile(
        request: Request, model: ModelName, version: ModelVersion, asked: Profile
    ) -> Response:
        """Return an output of a version along one feature."""
        return await answer(request, registry.get(model, version), _profile(asked))

    return api


def _activations(asked: exploration.ActivationsQuery) -> Ask:
    return lambda model: {"layers": activation_curves(model, asked.layer, asked.points)}


def _surface(asked: exploration.SurfaceQuery) -> Ask:
    if asked.x == asked.y:
        raise InvalidRequestError(f"y: feature {asked.y[:140]!r} is x too; expected another, or ask for a profile")

    def ask(model: ServedModel) -> dict[str, Any]:
        x, y = (feature_axis(model, name, asked.points, field) for name, field in ((asked.x, "x"), (asked.y, "y")))
        found = response_surface(model, (y, x), asked.at, asked.output, bumps=asked.bumps)
        told = {field: {"feature": each.name, "values": each.told} for field, each in (("x", x), ("y", y))}
        return {"output": found.pop("output"), **told, **found}

    return ask


def _profile(asked: exploration.ProfileQuery) -> Ask:
    def ask(model: ServedModel) -> dict[str, Any]:
        along = feature_axis(model, asked.feature, asked.points, "feature")
        found = response_surface(model, (along,), asked.at, asked.output, bumps=asked.bumps)
        return {"output": found.pop("output"), "feature": along.name, "values": along.told, **found}

    return ask


def _written(model: ServedModel, ask: Ask) -> bytes:
    who = {"model_name": model.name, "model_version": model.version}
    return orjson.dumps(who | ask(model), option=orjson.OPT_SERIALIZE_NUMPY)


def _tag(request: Request, model: ServedModel) -> str:
    """Return the ETag: another one for another file, question or version of the service."""
    text = f"{installed_version('enn')} {model.version} {model.digest} {request.url.path}?{request.url.query}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:LETTERS]}"'


def _is_known(request: Request, tag: str) -> bool:
    """Return whether who asks has the answer with this tag."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or tag in {part.strip().removeprefix("W/") for part in given.split(",")}


def _responses(answer: type[exploration.ModelResponse]) -> Responses:
    return {200: {"model": answer}, 304: {"description": "The answer is the one named by If-None-Match."}, **ERRORS}
