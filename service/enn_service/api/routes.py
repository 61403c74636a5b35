"""Declaration of routes: path parameters, error responses, and the `/versions/{version}` twin of a route."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path

from enn_service.api.schemas.inference import Error
from enn_service.errors import ModelNotReadyError, RequestError, UnknownModelError
from enn_service.http.paths import with_version

ModelName = Annotated[str, Path(description="the model's name", json_schema_extra={"example": "ring"})]
ModelVersion = Annotated[str, Path(description="the version's name", json_schema_extra={"example": "1"})]
MODEL_ERRORS = (UnknownModelError, ModelNotReadyError)
"""Errors of every route that names a model."""
Responses = dict[int | str, dict[str, Any]]
Handler = TypeVar("Handler", bound=Callable[..., Any])


def error_responses(*errors: type[RequestError]) -> Responses:
    """Return the OpenAPI responses of a path that can raise these errors; errors of equal status share one."""
    descriptions: dict[int, list[str]] = {}
    for error in errors:
        descriptions.setdefault(error.status, []).append(error.description)
    return {
        status: {"model": Error, "description": " ".join(sentences)}
        for status, sentences in sorted(descriptions.items())
    }


def versioned(
    router: APIRouter,
    path: str,
    version_name: str,
    *,
    method: str = "GET",
    description: str | None = None,
    **options: Any,  # noqa: ANN401  (FastAPI's own)
) -> Callable[[Handler], Handler]:
    """Register a handler twice: at a path, and at its twin with `/versions/{version}` after the model.

    Args:
        router: Router to add both routes to.
        path: Path template with `{model}`.
        version_name: Name of the twin in the OpenAPI document; the other route has the name of the handler.
        method: HTTP method.
        description: Text for the OpenAPI document, by default the handler's docstring; it contains "a model", where
            the twin has "one version of a model".
        **options: Options of `APIRouter.add_api_route` for both routes.

    Returns:
        Decorator of a handler with the parameters `model` and `version`; `version` is None without the twin.
    """

    def register(handler: Handler) -> Handler:
        text = inspect.cleandoc(description or handler.__doc__ or "")
        signature = inspect.signature(handler, eval_str=True)
        parameters = signature.parameters
        # FastAPI reads the parameters of a route from its signature; one of the two routes has no version.
        without, twin = partial(handler, version=None), partial(handler)
        version = parameters["version"]
        others = [each for each in parameters.values() if each is not version]
        every = [each.replace(annotation=ModelVersion) if each is version else each for each in parameters.values()]
        for route, chosen in ((without, others), (twin, every)):
            route.__signature__ = signature.replace(parameters=chosen)  # type: ignore[attr-defined]  (inspect reads it)
        for name, route, template, described in (
            (handler.__name__, without, path, text),
            (version_name, twin, with_version(path), text.replace("a model", "one version of a model", 1)),
        ):
            router.add_api_route(template, route, name=name, methods=[method], description=described, **options)
        return handler

    return register
