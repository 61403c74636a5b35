"""The OpenAPI document: FastAPI's, with what FastAPI cannot know of the data plane."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from enn_service.api.routes import error_responses
from enn_service.api.schemas.request_schemas import request_schemas
from enn_service.errors import (
    BodyTimeoutError,
    BodyTooLargeError,
    InvalidRequestError,
    MemoryBudgetError,
    MisdirectedRequestError,
    RequestError,
    ResponseTimeoutError,
    TooManyRequestsInFlightError,
    TooMuchWorkError,
    UnauthorizedError,
    UnsupportedMediaError,
)
from enn_service.http.auth import is_public

KEY_ERRORS = (UnauthorizedError, TooManyRequestsInFlightError, ResponseTimeoutError)
"""Errors of every operation that needs a key where keys are required."""
BODY_ERRORS = (
    InvalidRequestError,
    BodyTimeoutError,
    BodyTooLargeError,
    TooMuchWorkError,
    UnsupportedMediaError,
    MemoryBudgetError,
)
"""Errors of every operation with a body."""
KEY_HEADER, KEY_BEARER, MANAGEMENT_TOKEN = "ApiKeyHeader", "ApiKeyBearer", "ManagementToken"
"""Names of the security schemes; FastAPI knows the last one from the routes that require it."""
SCHEMES = {
    KEY_HEADER: {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    KEY_BEARER: {"type": "http", "scheme": "bearer", "description": "An API key."},
}

Operation = dict[str, Any]


def complete_document(api: FastAPI, *, keys_required: bool) -> None:
    """Complete the OpenAPI document of an application.

    Args:
        api: Application with all its routes; it keeps the document.
        keys_required: True if operations that are not public require an API key, False if it may be left out.
    """
    document = api.openapi()
    _remove_framework_errors(document)
    components = document["components"]
    components["schemas"] |= request_schemas()
    components["securitySchemes"] = SCHEMES | components["securitySchemes"]
    for method, path, operation in _operations(document):
        _add_errors(operation, MisdirectedRequestError)
        if not is_public(method, path):
            _add_errors(operation, *KEY_ERRORS)
            operation["security"] = _security(operation, keys_required=keys_required)
        if method == "POST":
            _add_errors(operation, *BODY_ERRORS)
        operation["responses"] = dict(sorted(operation["responses"].items()))


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    """Yield the method, path and entry of each operation."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def _remove_framework_errors(document: dict[str, Any]) -> None:
    """Remove FastAPI's response 422: no path answers with it."""
    for _, _, operation in _operations(document):
        operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _add_errors(operation: Operation, *errors: type[RequestError]) -> None:
    """Add the responses to exceptions; a response of the same status gets the description too."""
    for status, response in error_responses(*errors).items():
        known = operation["responses"].get(str(status))
        if known is None:
            content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
            operation["responses"][str(status)] = {"description": response["description"], "content": content}
        elif response["description"] not in known["description"]:
            known["description"] += f" {response['description']}"


def _security(operation: Operation, *, keys_required: bool) -> list[dict[str, list[str]]]:
    """Return the alternative ways to authenticate; an empty one allows requests without a key."""
    if "security" in operation:  # load and unload: their token takes the place of a key as bearer
        return [{MANAGEMENT_TOKEN: []} | ({KEY_HEADER: []} if keys_required else {})]
    return [*([] if keys_required else [{}]), {KEY_HEADER: []}, {KEY_BEARER: []}]
