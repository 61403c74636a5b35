"""Documentation of the hot paths: the data plane answers them before they get here; these functions only describe."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path

from enn_service.api.schemas import inference as schemas
from enn_service.errors import (
    BodyTooLargeError,
    InvalidRequestError,
    MemoryBudgetError,
    ModelNotReadyError,
    RequestError,
    TooManyRequestsInFlightError,
    UnknownModelError,
    UnsupportedMediaError,
)

ModelName = Annotated[str, Path(description="the model's name", json_schema_extra={"example": "ring"})]
ModelVersion = Annotated[str, Path(description="the version's name", json_schema_extra={"example": "1"})]
JsonLength = Annotated[
    int | None,
    Header(
        alias="Inference-Header-Content-Length",
        description="bytes of the JSON part; binary tensors follow it. 0: the body is the input's FP32 values alone.",
    ),
]
Responses = dict[int | str, dict[str, Any]]


def error_responses(*errors: type[RequestError]) -> Responses:
    """Return the OpenAPI responses of a path that can raise these errors; those of equal status share one."""
    descriptions: dict[int, list[str]] = {}
    for error in errors:
        descriptions.setdefault(error.status, []).append(error.description)
    return {
        status: {"model": schemas.Error, "description": " ".join(sentences)}
        for status, sentences in sorted(descriptions.items())
    }


MODEL_ERRORS = (UnknownModelError, ModelNotReadyError, TooManyRequestsInFlightError)
"""Errors of every path that names a model."""
INFERENCE_ERRORS = error_responses(
    InvalidRequestError, *MODEL_ERRORS, BodyTooLargeError, UnsupportedMediaError, MemoryBudgetError
)
TENSORS: Responses = {
    200: {
        "description": "The answer; where outputs are asked for as binary, their bytes follow the JSON.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    **INFERENCE_ERRORS,
}


def inference_docs_router() -> APIRouter:
    """Return routes that describe predict, explain and infer."""
    api = APIRouter(tags=["predict"])

    @api.post("/v1/models/{model}:predict", responses=INFERENCE_ERRORS)
    async def predict(model: ModelName, body: schemas.PredictRequest) -> schemas.PredictResponse:  # type: ignore[empty-body]
        """Predict rows (KServe V1)."""

    @api.post("/v1/models/{model}:explain", responses=INFERENCE_ERRORS)
    async def explain(model: ModelName, body: schemas.ExplainRequest) -> schemas.ExplainResponse:  # type: ignore[empty-body]
        """Predict rows and explain each exactly by its bumps (KServe V1)."""

    @api.post("/v1/models/{model}/versions/{version}:predict", responses=INFERENCE_ERRORS)
    async def predict_version(
        model: ModelName, version: ModelVersion, body: schemas.PredictRequest
    ) -> schemas.PredictResponse:  # type: ignore[empty-body]
        """Predict rows with one version."""

    @api.post("/v1/models/{model}/versions/{version}:explain", responses=INFERENCE_ERRORS)
    async def explain_version(
        model: ModelName, version: ModelVersion, body: schemas.ExplainRequest
    ) -> schemas.ExplainResponse:  # type: ignore[empty-body]
        """Predict rows with one version and explain each."""

    @api.post("/v2/models/{model}/infer", responses=TENSORS)
    async def infer(model: ModelName, body: schemas.InferRequest, length: JsonLength = None) -> schemas.InferResponse:  # type: ignore[empty-body]
        """Infer tensors (Open Inference Protocol V2); name `bumps` and `pre_activation` to get them too."""

    @api.post("/v2/models/{model}/versions/{version}/infer", responses=TENSORS)
    async def infer_version(
        model: ModelName, version: ModelVersion, body: schemas.InferRequest, length: JsonLength = None
    ) -> schemas.InferResponse:  # type: ignore[empty-body]
        """Infer tensors of one version."""

    @api.post("/v2/models/{model}/explain", responses=TENSORS)
    async def explain_tensors(
        model: ModelName, body: schemas.ExplainTensorsRequest, length: JsonLength = None
    ) -> schemas.ExplainTensorsResponse:  # type: ignore[empty-body]
        """Infer tensors and explain each row by its bumps: this service's extension of V2."""

    @api.post("/v2/models/{model}/versions/{version}/explain", responses=TENSORS)
    async def explain_tensors_version(
        model: ModelName, version: ModelVersion, body: schemas.ExplainTensorsRequest, length: JsonLength = None
    ) -> schemas.ExplainTensorsResponse:  # type: ignore[empty-body]
        """Infer tensors of one version and explain each row."""

    return api
