"""Documentation of the hot paths: the data plane answers them before they get here; these functions only describe."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path

from enn_service.api.schemas import inference as schemas

ModelName = Annotated[str, Path(description="the model's name", json_schema_extra={"example": "ring"})]
ModelVersion = Annotated[str, Path(description="the version's name", json_schema_extra={"example": "1"})]
JsonLength = Annotated[
    int | None,
    Header(
        alias="Inference-Header-Content-Length",
        description="bytes of the JSON part; binary tensors follow it. 0: the body is the input's FP32 values alone.",
    ),
]
ERRORS = {
    status: {"model": schemas.Error, "description": text}
    for status, text in {
        400: "The request is not what the model takes; the text says where.",
        401: "The token is missing or another.",
        403: "Load and unload are off, or not for the page that asks.",
        404: "No such model or version.",
        409: "The model was unloaded by another request meanwhile.",
        413: "The body is too large.",
        415: "The body is encoded in a way that is not read.",
        503: "The model's file was refused, the model is unloaded, or too much is asked at once; the text says why.",
    }.items()
}
"""What a status means, for every path that answers with it."""
Responses = dict[int | str, dict[str, Any]]


def error_responses(*statuses: int) -> Responses:
    """Return what the documentation of a path says about these statuses."""
    return {status: ERRORS[status] for status in statuses}


INFERENCE_ERRORS = error_responses(400, 404, 413, 415, 503)
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
