"""Management: the repository's index for everybody, load and unload for who has the token."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from enn_service.api.inference_docs import ModelName, error_responses
from enn_service.api.schemas import repository as administration
from enn_service.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    UnauthorizedError,
    UnknownModelError,
    describe_value,
)
from enn_service.http.auth import KeySet
from enn_service.protocols.json_object import parse_object
from enn_service.runtime.registry import ModelRegistry

Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))]


def repository_router(registry: ModelRegistry, tokens: KeySet) -> APIRouter:
    """Return the routes under /v2/repository; without tokens load and unload are refused."""
    api = APIRouter(prefix="/v2/repository", tags=["repository"])

    def check(request: Request, given: HTTPAuthorizationCredentials | None) -> None:
        if not tokens:
            raise ForbiddenError("load and unload are off; the service offers them with ENN_TOKEN or ENN_TOKEN_FILE")
        if given is None or not tokens.have(given.credentials.encode()):
            raise UnauthorizedError(
                "expected the header Authorization: Bearer with a token of ENN_TOKEN or ENN_TOKEN_FILE"
            )
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
            raise ForbiddenError(f"a page of {origin[:100]!r} may not load and unload models")

    @api.post(
        "/index",
        response_model=list[administration.IndexEntry],
        openapi_extra=_body(administration.IndexRequest, {"ready": False}),
        responses=error_responses(InvalidRequestError),
    )
    async def index(request: Request) -> list[administration.IndexEntry]:
        """List every version in the repository, with the reason where its file is not served."""
        ready = _asked(await request.body()).get("ready")
        if ready is not None and not isinstance(ready, bool):
            raise InvalidRequestError(f"ready: {describe_value(ready)}; expected true or false")
        return [
            administration.IndexEntry(
                name=_readable(state.entry.name),
                version=_readable(state.entry.version),
                state="READY" if state.model else "UNAVAILABLE",
                reason=state.reason,
            )
            for state in registry.version_states()
            if state.model or not ready
        ]

    management = error_responses(InvalidRequestError, UnauthorizedError, ForbiddenError, UnknownModelError)

    @api.post(
        "/models/{model}/load",
        response_model=administration.EmptyObject,
        openapi_extra=_body(administration.LoadRequest, {}),
        responses=management | error_responses(ConflictError),
    )
    async def load(model: ModelName, request: Request, given: Bearer) -> dict[str, Any]:
        """Serve a model again, in every worker, and look at its files now; a refusal says what is wrong with them."""
        check(request, given)
        if parameters := _asked(await request.body()).get("parameters"):
            raise InvalidRequestError(
                f"parameters: {describe_value(parameters)}; expected none: files come by the repository"
            )
        await asyncio.to_thread(registry.load, model)
        return {}

    @api.post(
        "/models/{model}/unload",
        response_model=administration.EmptyObject,
        openapi_extra=_body(administration.UnloadRequest, {}),
        responses=management,
    )
    async def unload(model: ModelName, request: Request, given: Bearer) -> dict[str, Any]:
        """Serve all versions of a model no more, in any worker, until it is loaded; its files stay."""
        check(request, given)
        _asked(await request.body())
        await asyncio.to_thread(registry.unload, model)
        return {}

    return api


def _asked(body: bytes) -> dict[str, Any]:
    """Return the body, which may be left out."""
    return parse_object(body or b"{}")


def _readable(name: str) -> str:
    """Return a folder's name with what is no text in it escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _body(schema: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema.model_json_schema(), "example": example}}
    return {"requestBody": {"required": False, "content": content}}
