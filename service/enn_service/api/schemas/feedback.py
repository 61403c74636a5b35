"""Bodies of feedback, for the OpenAPI document."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from enn_service.api.schemas.inference import Label, Value

Truth = Label | float | list[float]
"""Class label, or the numbers of a regression."""


class PredictionTruth(BaseModel):
    """True value of a recorded prediction."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(min_length=1, max_length=128, description="x-request-id of the response")]
    row: Annotated[int, Field(ge=0, lt=2**31, description="index of the row in the request")] = 0
    truth: Truth


class InstanceTruth(BaseModel):
    """True value of a row that the service need not have predicted."""

    model_config = ConfigDict(extra="forbid")
    instance: dict[str, Value]
    truth: Truth


class FeedbackRequest(BaseModel):
    """Body of feedback. The same prediction, or the same instance with the same truth, counts once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"feedback": [{"id": "a-request-id", "row": 0, "truth": 1}]}]}
    )
    feedback: Annotated[list[PredictionTruth | InstanceTruth], Field(min_length=1, max_length=1000)]


class UnknownPrediction(BaseModel):
    """An entry whose prediction is not in the record, or is another client's."""

    entry: int = Field(description="index in the request")
    id: str
    row: int


class FeedbackResult(BaseModel):
    """Result of feedback."""

    accepted: int = Field(description="number of entries that are stored now")
    unknown: list[UnknownPrediction]
