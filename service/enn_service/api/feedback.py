"""Route of feedback: true values of predictions, from clients with a key or a token."""

from typing import Any, Protocol

from fastapi import APIRouter, Request

from enn_service.api.management import Bearer
from enn_service.api.routes import MODEL_ERRORS, ModelName, error_responses, versioned
from enn_service.api.schemas.feedback import FeedbackRequest, FeedbackResult
from enn_service.api.schemas.request_schemas import request_body
from enn_service.errors import ForbiddenError, RecordNotReadyError, UnauthorizedError
from enn_service.http import paths
from enn_service.http.auth import SCOPE_KEY, KeySet
from enn_service.protocols.body_decoder import parse_object
from enn_service.runtime.model import ServedModel
from enn_service.runtime.registry import ModelRegistry

CLIENT_HEADER = "x-client-id"


class FeedbackStore(Protocol):
    """Store of true values."""

    async def add(
        self, model: ServedModel, version: str | None, listed: object, key_name: str | None, client: bytes
    ) -> dict[str, Any]:
        """Store true values; `record.feedback` describes the arguments."""
        ...


def feedback_router(
    registry: ModelRegistry, tokens: KeySet, store: FeedbackStore | None, *, keys_required: bool
) -> APIRouter:
    """Return the routes.

    Args:
        registry: Models of the service.
        tokens: Management tokens, with which the predictions of all clients may be labelled.
        store: Store of true values; None if the service has no record.
        keys_required: True if requests need an API key.
    """
    router = APIRouter(tags=["feedback"])

    @versioned(
        router,
        paths.FEEDBACK,
        "add_version_feedback",
        method="POST",
        response_model=FeedbackResult,
        openapi_extra={"requestBody": request_body(FeedbackRequest)},
        responses=error_responses(UnauthorizedError, ForbiddenError, *MODEL_ERRORS, RecordNotReadyError),
    )
    async def add_feedback(
        request: Request, model: ModelName, version: str | None, credentials: Bearer
    ) -> dict[str, Any]:
        """Store true values for predictions of a model, by request ID and row, or for instances.

        The same feedback may be sent again. The answer names each prediction that is not known.
        """
        if store is None:
            raise ForbiddenError("feedback is off; the service takes it with ENN_RECORD")
        if not tokens and not keys_required:
            raise ForbiddenError("feedback is off; the service takes it with ENN_TOKEN or an API key")
        token = None if credentials is None else tokens.name_of(credentials.credentials.encode())
        if token is None and not keys_required:
            raise UnauthorizedError("expected the header Authorization: Bearer with a token of ENN_TOKEN")
        served = registry.get(model, version)
        key_name = None if token is not None else request.scope[SCOPE_KEY]
        body = parse_object(await request.body())
        client = request.headers.get(CLIENT_HEADER, "").encode("latin-1")
        return await store.add(served, version, body.get("feedback"), key_name, client)

    return router
