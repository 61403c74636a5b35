"""Routes of the model repository extension: list the versions; load and unload models with a token."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from enn_models.repository import version_key
from enn_service.api.management import Bearer, Management
from enn_service.api.routes import ModelName, error_responses
from enn_service.api.schemas import repository as schemas
from enn_service.api.schemas.request_schemas import request_body
from enn_service.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    ModelNotReadyError,
    RepositoryNotReadyError,
    UnauthorizedError,
    UnknownModelError,
    describe_value,
)
from enn_service.http import paths
from enn_service.protocols.body_decoder import parse_object
from enn_service.runtime.registry import ModelRegistry

ADMIN_ERRORS = (UnauthorizedError, ForbiddenError, UnknownModelError)


Problems = Callable[[], Mapping[str, str]]
"""Function that returns the reason why a version of the remote repository is not copied, by "name/version"."""


def repository_router(registry: ModelRegistry, management: Management, source_problems: Problems) -> APIRouter:
    """Return the routes.

    Args:
        registry: Models of the service.
        management: Operations of clients with a token.
        source_problems: Versions of the remote repository that are not copied.
    """
    router = APIRouter(tags=["repository"])
    _add_index(router, registry, source_problems)
    _add_load(router, management)
    _add_unload(router, management)
    return router


def _add_index(router: APIRouter, registry: ModelRegistry, source_problems: Problems) -> None:
    @router.post(
        paths.REPOSITORY_INDEX,
        response_model=list[schemas.IndexEntry],
        openapi_extra=_optional_body(schemas.IndexRequest, {"ready": False}),
        responses=error_responses(RepositoryNotReadyError),
    )
    async def repository_index(request: Request) -> list[schemas.IndexEntry]:
        """List every version in the repository, with the reason if its file is not served."""
        ready = _parse_body(await request.body()).get("ready")
        if ready is not None and not isinstance(ready, bool):
            raise InvalidRequestError(f"ready: {describe_value(ready)}; expected true or false")
        if not registry.was_read:
            raise RepositoryNotReadyError(registry.not_ready_reason())
        entries = _index_entries(registry, source_problems())
        return [entry for entry in entries if entry.state == "READY" or not ready]


def _index_entries(registry: ModelRegistry, problems: Mapping[str, str]) -> list[schemas.IndexEntry]:
    """Return the versions on disk, and those of the remote repository that could not be copied."""
    found = {
        f"{state.entry.name}/{state.entry.version}": schemas.IndexEntry(
            name=_to_text(state.entry.name),
            version=_to_text(state.entry.version),
            state="READY" if state.model else "UNAVAILABLE",
            reason=state.reason or problems.get(f"{state.entry.name}/{state.entry.version}", ""),
        )
        for state in registry.version_states()
    }
    for each in problems.keys() - found.keys():
        name, slash, version = each.partition("/")
        if slash:  # not the problem of the whole source
            found[each] = schemas.IndexEntry(name=name, version=version, state="UNAVAILABLE", reason=problems[each])
    return sorted(found.values(), key=lambda entry: (entry.name, version_key(entry.version)))


def _add_load(router: APIRouter, management: Management) -> None:
    @router.post(
        paths.REPOSITORY_LOAD,
        response_model=schemas.ManagementResult,
        openapi_extra=_optional_body(schemas.LoadRequest, {}),
        responses=error_responses(*ADMIN_ERRORS, ConflictError, ModelNotReadyError),
    )
    async def load_model(model: ModelName, request: Request, credentials: Bearer) -> schemas.ManagementResult:
        """Load a model, with its files as they are now; an error says what is wrong with them.

        Every worker follows, and every replica if they share `ENN_UNLOADED_MODELS`; the result says so.
        """
        with management.authorized("load", model, request, credentials):
            if parameters := _parse_body(await request.body()).get("parameters"):
                raise InvalidRequestError(
                    f"parameters: {describe_value(parameters)}; expected none: files come by the repository"
                )
            await asyncio.to_thread(management.registry.load, model)
        return management.result()


def _add_unload(router: APIRouter, management: Management) -> None:
    @router.post(
        paths.REPOSITORY_UNLOAD,
        response_model=schemas.ManagementResult,
        openapi_extra=_optional_body(schemas.UnloadRequest, {}),
        responses=error_responses(*ADMIN_ERRORS),
    )
    async def unload_model(model: ModelName, request: Request, credentials: Bearer) -> schemas.ManagementResult:
        """Unload all versions of a model until it is loaded again; its files stay.

        Every worker follows, and every replica if they share `ENN_UNLOADED_MODELS`; the result says so.
        """
        with management.authorized("unload", model, request, credentials):
            _parse_body(await request.body())
            await asyncio.to_thread(management.registry.unload, model)
        return management.result()


def _parse_body(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body that may be empty."""
    return parse_object(body or b"{}")


def _to_text(name: str) -> str:
    """Return the name of a folder with the bytes escaped that are not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def _optional_body(schema: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI entry of a request body that may be left out."""
    body = request_body(schema, required=False)
    body["content"]["application/json"]["example"] = example
    return {"requestBody": body}
