"""The bodies that go in and out, described once, for the documentation at /docs and the tests that hold it true."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from enn_service.inference.attributions import DEFAULT_PERMUTATIONS, MAX_PERMUTATIONS, Method

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

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"instances": [[0.1, 0.2], [0.3, 0.4]]}],
            "oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}],
        }
    )
    instances: list[Row] = Field(default=[], min_length=1)
    inputs: list[Row] = Field(default=[], min_length=1)

    @model_validator(mode="after")
    def _has_rows_once(self) -> "PredictRequest":
        if len(self.model_fields_set & {"instances", "inputs"}) != 1:
            raise ValueError("expected one of instances and inputs")
        return self


class ExplainParameters(BaseModel):
    """What to explain: an output unit (default: the predicted class), split into harmonics or features on request.

    Instead of one output several may be named, or "all"; of many bumps the `top` largest are enough, and the rest as
    one sum.
    Attributions compare with the background (shapley; default: training rows that the card carries) or the baseline
    (integrated_gradients; default: the mean of the training rows). For several hidden layers Shapley values are
    sampled, by name.
    """

    model_config = ConfigDict(extra="forbid")
    output: Label | None = None
    outputs: Literal["all"] | Annotated[list[Label], Field(min_length=1)] | None = None
    top: int | None = Field(default=None, ge=1)
    harmonics: bool = False
    attributions: Method | None = None
    background: list[Row] | None = Field(default=None, min_length=1)
    baseline: Row | None = None
    permutations: int = Field(default=DEFAULT_PERMUTATIONS, ge=1, le=MAX_PERMUTATIONS)

    @model_validator(mode="after")
    def _has_output_once(self) -> "ExplainParameters":
        if self.output is not None and self.outputs is not None:
            raise ValueError("expected one of output and outputs")
        return self


class ExplainRequest(PredictRequest):
    """Rows to predict and explain."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"instances": [[0.1, 0.2]], "parameters": {"harmonics": False}}]}
    )
    parameters: ExplainParameters | None = None


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
    """One hidden neuron's share of the pre-activation: value = weight x activation, the sum of its harmonics.

    With the harmonics comes the neuron's own pre_activation, where it stands on its activation.
    Of a probability, probability_change is what the bump adds to it: integrated gradients of the link from the bias to
    bias + bumps, which prefers no order; base_probability + all changes = response.
    """

    model_config = ConfigDict(extra="forbid")
    neuron: int
    value: float
    activation: float
    weight: float
    probability_change: float | None = None
    pre_activation: float | None = None
    harmonics: list[float] = []


class Rest(BaseModel):
    """What the bumps that are not among the top add up to."""

    model_config = ConfigDict(extra="forbid")
    neurons: int
    value: float
    probability_change: float | None = None


class OutputActivation(BaseModel):
    """Where the pre-activation stands on the dct head's activation: its value and its slope there."""

    model_config = ConfigDict(extra="forbid")
    value: float
    slope: float


class Attributions(BaseModel):
    """base_value + the sum of the values = pre_activation; the error is how far off a path of several layers is."""

    model_config = ConfigDict(extra="forbid")
    method: Method
    base_value: float
    values: dict[str, float]
    error: float = 0.0


class OutputExplanation(BaseModel):
    """bias + the sum of the bumps' values, and of the rest, = pre_activation.

    The response is what the head makes of the pre_activation: the regression value, the score or the probability.
    """

    model_config = ConfigDict(extra="forbid")
    output: Label
    pre_activation: float
    response: float
    output_activation: OutputActivation | None = None
    bias: float
    base_probability: float | None = None
    bumps: list[Bump]
    rest: Rest | None = None
    attributions: Attributions | None = None


class Flags(BaseModel):
    """The features outside their training range, where the row is an extrapolation, and those ranges."""

    model_config = ConfigDict(extra="forbid")
    out_of_range: list[str]
    ranges: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = {}


class Explanation(OutputExplanation, Flags):
    """The explanation of one output of a row."""


class SeveralExplanations(Flags):
    """The explanations of several outputs of a row."""

    outputs: list[OutputExplanation]


class ExplainResponse(BaseModel):
    """One prediction and one explanation per row."""

    model_config = ConfigDict(extra="forbid")
    predictions: list[ScoredLabel | LikelyLabel | float | list[float]]
    explanations: list[Explanation | SeveralExplanations]


class TensorParameters(BaseModel):
    """How many bytes after the JSON part are the tensor's; data are then left out."""

    binary_data_size: int | None = Field(default=None, ge=0)


class InputTensor(BaseModel):
    """The input tensor: shape [rows, features], data flat or nested.

    A category is its index in the model's metadata, a boolean 0 or 1; null stands for a value that may be missing.
    """

    name: str = Field(examples=["input"])
    shape: list[int]
    datatype: str = Field(examples=["FP32"])
    parameters: TensorParameters | None = None
    data: list[float | None] | list[list[float | None]] | None = None


class OutputParameters(BaseModel):
    """How an output is given: as bytes after the JSON, and as its best classes, "value:index:label", not its values."""

    binary_data: bool | None = None
    classification: int | None = Field(default=None, ge=1)


class OutputRequest(BaseModel):
    """An output asked for by name: output, bumps or pre_activation."""

    name: str
    parameters: OutputParameters | None = None


class InferParameters(BaseModel):
    """Whether outputs that do not say so themselves are given as bytes after the JSON."""

    binary_data_output: bool | None = None


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
    id: str | None = None
    parameters: InferParameters | None = None
    inputs: list[InputTensor] = Field(min_length=1, max_length=1)
    outputs: list[OutputRequest] | None = Field(default=None, min_length=1)


class ExplainTensorsParameters(InferParameters, ExplainParameters):
    """What to explain, and how outputs are given."""


class ExplainTensorsRequest(InferRequest):
    """As for infer, with the parameters of an explanation."""

    parameters: ExplainTensorsParameters | None = None  # type: ignore[assignment]


class OutputTensor(BaseModel):
    """A tensor of the answer, data flat in row-major order."""

    model_config = ConfigDict(extra="forbid")
    name: str
    shape: list[int]
    datatype: str = Field(examples=["FP32", "BYTES"])
    parameters: TensorParameters | None = None
    data: list[float] | list[str] | None = None


class InferResponse(BaseModel):
    """The tensors asked for; the parameters tell how many rows left the training range, where any did."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())
    model_name: str
    model_version: str
    id: str
    parameters: dict[str, Any] = {}
    outputs: list[OutputTensor]


class ExplainTensorsResponse(InferResponse):
    """As of infer, with one explanation per row."""

    explanations: list[Explanation | SeveralExplanations]
