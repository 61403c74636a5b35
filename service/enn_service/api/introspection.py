"""Routes of introspection: activations, surface, profile and importance of a whole model, with an `ETag`."""

from collections.abc import Callable, Generator
from importlib.metadata import version as installed_version
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from enn_service.api.routes import MODEL_ERRORS, ModelName, Responses, error_responses, versioned
from enn_service.api.schemas import introspection as schemas
from enn_service.errors import InvalidRequestError, TooMuchWorkError
from enn_service.http import paths
from enn_service.http.large_work import LargeWork
from enn_service.http.responses import entity_tag, names_tag
from enn_service.inference.admission import Reservation
from enn_service.inference.answer import encode_arrays
from enn_service.inference.introspection.activation_curves import activation_curves
from enn_service.inference.introspection.importance import ImportanceOptions, feature_importance
from enn_service.inference.introspection.kept_answers import KeptAnswers
from enn_service.inference.introspection.response_surface import feature_axis, response_surface
from enn_service.inference.work_queue import Steps
from enn_service.runtime.model import ServedModel
from enn_service.runtime.registry import ModelRegistry

Compute = Callable[[ServedModel, Reservation], Generator[float | None, None, dict[str, Any]]]
KEPT_BYTES = 4 * 2**20
"""Maximum size of the answers that a worker keeps, because they take seconds."""


def introspection_router(registry: ModelRegistry, large_work: LargeWork) -> APIRouter:
    """Return the routes.

    Args:
        registry: Models of the service.
        large_work: Runner of the computations.
    """
    router, respond = APIRouter(tags=["explore"]), _Responder(large_work)

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

    @versioned(
        router,
        paths.IMPORTANCE,
        "show_version_importance",
        responses=_responses(schemas.ImportanceResponse) | error_responses(TooMuchWorkError),
    )
    async def show_importance(
        request: Request, model: ModelName, version: str | None, query: Annotated[schemas.ImportanceQuery, Query()]
    ) -> Response:
        """Return how much each feature and each pair changes an output of a model, and their average effects."""
        compute = _importance(query, large_work.seconds)
        return await respond(request, registry.get(model, version), compute, keep=True)

    return router


class _Responder:
    """Responses to requests about a whole model.

    Args:
        large_work: Runner of the computations.
    """

    def __init__(self, large_work: LargeWork) -> None:
        self._large_work, self._kept = large_work, KeptAnswers(KEPT_BYTES)

    async def __call__(self, request: Request, model: ServedModel, compute: Compute, *, keep: bool = False) -> Response:
        """Return the response of a computation, or 304 if the client has it.

        Args:
            request: Request.
            model: Model of the request.
            compute: Computation of the body.
            keep: True to keep the body for later requests with the same target.
        """
        tag = _etag(request, model)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if names_tag(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        if keep and (known := self._kept.get(tag)) is not None:
            return Response(known, media_type="application/json", headers=headers)
        memory = self._large_work.admission.reservation()
        try:
            body = await self._large_work.run(_encode(model, compute, memory), request.receive)
        except BaseException:
            memory.release()
            raise
        if keep:
            self._kept.add(tag, body)
        sent = BackgroundTask(memory.release)
        return Response(body, media_type="application/json", headers=headers, background=sent)


def _activations(query: schemas.ActivationsQuery) -> Compute:
    def compute(model: ServedModel, memory: Reservation) -> Generator[None, None, dict[str, Any]]:
        return {"layers": (yield from activation_curves(model, query.layer, query.points, memory))}

    return compute


def _surface(query: schemas.SurfaceQuery) -> Compute:
    if query.x == query.y:
        raise InvalidRequestError(f"y: feature {query.y[:140]!r} is x too; expected another, or ask for a profile")

    def compute(model: ServedModel, memory: Reservation) -> Generator[None, None, dict[str, Any]]:
        x, y = (feature_axis(model, name, query.points, field) for name, field in ((query.x, "x"), (query.y, "y")))
        surface = response_surface(model, (y, x), query.at, query.output, bumps=query.bumps, memory=memory)
        found = yield from surface
        axes = {field: {"feature": axis.name, "values": axis.json_values} for field, axis in (("x", x), ("y", y))}
        return {"output": found.pop("output"), **axes, **found}

    return compute


def _profile(query: schemas.ProfileQuery) -> Compute:
    def compute(model: ServedModel, memory: Reservation) -> Generator[None, None, dict[str, Any]]:
        axis = feature_axis(model, query.feature, query.points, "feature")
        profile = response_surface(model, (axis,), query.at, query.output, bumps=query.bumps, memory=memory)
        found = yield from profile
        return {"output": found.pop("output"), "feature": axis.name, "values": axis.json_values, **found}

    return compute


def _importance(query: schemas.ImportanceQuery, deadline_seconds: float) -> Compute:
    def compute(model: ServedModel, memory: Reservation) -> Generator[float | None, None, dict[str, Any]]:
        return (yield from feature_importance(model, ImportanceOptions(**dict(query)), memory, deadline_seconds))

    return compute


def _encode(model: ServedModel, compute: Compute, memory: Reservation) -> Steps[bytes]:
    """Return the computation of a response."""
    names = {"model_name": model.name, "model_version": model.version}
    result = yield from compute(model, memory)
    return (yield from encode_arrays(names | result))


def _etag(request: Request, model: ServedModel) -> str:
    """Return an `ETag` that changes with the model's file, the request's target and the version of the service."""
    text = f"{installed_version('enn')} {model.version} {model.digest} {request.url.path}?{request.url.query}"
    return entity_tag(text.encode())


def _responses(response: type[schemas.ModelResponse]) -> Responses:
    return {
        200: {"model": response},
        304: {"description": "The response is the one that If-None-Match names."},
        **error_responses(InvalidRequestError, *MODEL_ERRORS),
    }
