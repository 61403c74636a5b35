"""The bodies that go in and out, described once, for the documentation at /docs and the tests that hold it true."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from enn_service.attributions import MAX_PERMUTATIONS, PERMUTATIONS, Method

Value = float | str | bool | None
Row = list[Value] | dict[str, Value]
Label = str | int | bool


class Error(BaseModel):
    """Every reply that is not a success."""

    error: str = Field(examples=["model 'moon' is not known; known are ['face', 'ring']"])


class OutOfRange(BaseModel):
    """A row with features outside their training range, where activations go on periodically: an extrapolation."""

    row: int
    features: list[str]


class PredictRequest(BaseModel):
    """Rows to predict: vectors in the card's order or objects {feature: value}; `inputs` may stand for `instances`.

    A value is a number, the name of a category, true or false; null where the feature may be missing.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"instances": [[0.1, 0.2], [0.3, 0.4]]}]})
    instances: list[Row] = Field(min_length=1)


class ExplainParameters(BaseModel):
    """What to explain: an output unit (default: the predicted class), split into harmonics or features on request.

    Attributions compare with the background (shapley; default: training rows that the card carries) or the baseline
    (integrated_gradients; default: the mean of the training rows). For several hidden layers Shapley values are
    sampled, by name.
    """

    model_config = ConfigDict(extra="forbid")
    output: Label | None = None
    harmonics: bool = False
    attributions: Method | None = None
    background: list[Row] | None = Field(default=None, min_length=1)
    baseline: Row | None = None
    permutations: int = Field(default=PERMUTATIONS, ge=1, le=MAX_PERMUTATIONS)


class ExplainRequest(PredictRequest):
    """Rows to predict and explain."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"instances": [[0.1, 0.2]], "parameters": {"harmonics": False}}]}
    )
    parameters: ExplainParameters = ExplainParameters()


class ScoredLabel(BaseModel):
    """A class and its score (dct head); of two classes the score is the second one's, whose sign decides."""

    model_config = ConfigDict(extra="forbid")
    label: Label
    score: float


class LikelyLabel(BaseModel):
    """The most probable class, and the probability of each (linear head)."""

    model_config = ConfigDict(extra="forbid")
    label: Label
    probabilities: dict[str, float]


class PredictResponse(BaseModel):
    """One prediction per row: a number, a list of numbers, or a label with score or probabilities."""

    model_config = ConfigDict(extra="forbid")
    predictions: list[ScoredLabel | LikelyLabel | float | list[float]]
    out_of_range: list[OutOfRange] = []


class Bump(BaseModel):
    """One hidden neuron's share of the pre-activation: value = weight x activation, the sum of its harmonics."""

    model_config = ConfigDict(extra="forbid")
    neuron: int
    value: float
    activation: float
    weight: float
    harmonics: list[float] = []


class Attributions(BaseModel):
    """base_value + the sum of the values = pre_activation; the error is how far off a path of several layers is."""

    model_config = ConfigDict(extra="forbid")
    method: Method
    base_value: float
    values: dict[str, float]
    error: float = 0.0


class Explanation(BaseModel):
    """bias + the sum of the bumps' values = pre_activation."""

    model_config = ConfigDict(extra="forbid")
    output: Label
    pre_activation: float
    bias: float
    bumps: list[Bump]
    out_of_range: list[str]
    attributions: Attributions | None = None


class ExplainResponse(BaseModel):
    """One prediction and one explanation per row."""

    model_config = ConfigDict(extra="forbid")
    predictions: list[ScoredLabel | LikelyLabel | float | list[float]]
    explanations: list[Explanation]


class InputTensor(BaseModel):
    """The input tensor: shape [rows, features], data flat or nested.

    A category is its index in the model's metadata, a boolean 0 or 1; null stands for a value that may be missing.
    """

    name: str = Field(examples=["input"])
    shape: list[int]
    datatype: str = Field(examples=["FP32"])
    data: list[float | None] | list[list[float | None]]


class OutputRequest(BaseModel):
    """An output asked for by name: output, bumps or pre_activation."""

    name: str


class InferRequest(BaseModel):
    """One input tensor, and the outputs wanted; `output` alone where none are named."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "42",
                    "inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.1, 0.2]}],
                    "outputs": [{"name": "output"}, {"name": "bumps"}, {"name": "pre_activation"}],
                }
            ]
        }
    )
    id: str = ""
    inputs: list[InputTensor]
    outputs: list[OutputRequest] | None = None


class OutputTensor(BaseModel):
    """A tensor of the answer, data flat in row-major order."""

    model_config = ConfigDict(extra="forbid")
    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class InferResponse(BaseModel):
    """The tensors asked for; the parameters tell how many rows left the training range, where any did."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())
    model_name: str
    model_version: str
    id: str
    parameters: dict[str, Any] = {}
    outputs: list[OutputTensor]


class IndexRequest(BaseModel):
    """Which versions to list; the body may be left out."""

    ready: bool = False


class IndexEntry(BaseModel):
    """A version in the repository; the reason says why the file on disk is not the one served."""

    name: str
    version: str
    state: str = Field(examples=["READY", "UNAVAILABLE"])
    reason: str
