"""OpenAPI entries of the inference endpoints, which the data plane answers before FastAPI sees the request."""

import inspect
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException
from msgspec import Struct
from pydantic import BaseModel

from enn_service.api.routes import MODEL_ERRORS, ModelName, Responses, error_responses, versioned
from enn_service.api.schemas import inference as schemas
from enn_service.api.schemas.request_schemas import request_body
from enn_service.http.routing import ENDPOINTS
from enn_service.protocols import request_bodies

BODIES: dict[str, tuple[type[Struct], type[BaseModel]]] = {
    "predict": (request_bodies.PredictRequest, schemas.PredictResponse),
    "explain": (request_bodies.ExplainRequest, schemas.ExplainResponse),
    "infer": (request_bodies.InferRequest, schemas.InferResponse),
    "explain_tensors": (request_bodies.ExplainTensorsRequest, schemas.ExplainTensorsResponse),
}
"""Bodies of the request and the response of each endpoint."""
WITH_TENSORS = {"infer", "explain_tensors"}
"""Endpoints whose bodies may contain binary tensors."""
JsonLength = Annotated[
    int | None,
    Header(
        alias="Inference-Header-Content-Length",
        description="length of the JSON part in bytes; binary tensors follow it. 0: the body is the input's FP32 "
        "values alone.",
    ),
]
BINARY_RESPONSE: Responses = {
    200: {
        "description": "The response; if the request asks for binary outputs, their bytes follow the JSON.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def inference_docs_router() -> APIRouter:
    """Return a route for each inference endpoint, for the OpenAPI document and for the status 405 of other methods."""
    router = APIRouter(tags=["predict"])
    for route in ENDPOINTS:
        request, response = BODIES[route.name]
        binary = BINARY_RESPONSE if route.name in WITH_TENSORS else {}
        register = versioned(
            router,
            route.path,
            f"{route.name}_version",
            method=route.method,
            description=route.description,
            response_model=response,
            responses=binary | error_responses(*MODEL_ERRORS),
            openapi_extra={"requestBody": request_body(request)},
        )
        register(_Operation(route.name, tensors=route.name in WITH_TENSORS))
    return router


class _Operation:
    """Handler that only carries a name and a signature, from which FastAPI makes the OpenAPI entry.

    Args:
        name: Name of the operation.
        tensors: True if a header may give the length of the JSON part.
    """

    def __init__(self, name: str, *, tensors: bool) -> None:
        annotations: dict[str, Any] = {"model": ModelName, "version": str | None}
        parameters = [
            inspect.Parameter(each, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
            for each, annotation in annotations.items()
        ]
        if tensors:
            parameters.append(
                inspect.Parameter("length", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=JsonLength)
            )
        self.__name__ = name
        self.__signature__ = inspect.Signature(parameters)

    def __call__(self, **_: object) -> None:
        """Raise status 404.

        The data plane answers inference, so only a path that is not one of the table gets here: Starlette's pattern
        accepts a line feed at the end.
        """
        raise HTTPException(404)
