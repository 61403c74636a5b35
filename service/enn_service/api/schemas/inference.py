"""Bodies of the inference responses, for the documentation at /docs and the tests that compare both."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from enn_models.explanations.methods import Method

# Each named alias is a schema of its own in the OpenAPI document, from which code generators make a named type.
Value = TypeAliasType("Value", float | str | bool | None)
Row = TypeAliasType("Row", list[Value] | dict[str, Value])
Label = TypeAliasType("Label", str | int | bool)
Elements = TypeAliasType("Elements", list[Value] | Value)
"""Elements of a tensor: one, or those of a row."""


class Error(BaseModel):
    """Body of every error response."""

    error: str = Field(examples=["model 'moon' is not known; GET /v1/models lists the models"])


class OutOfRange(BaseModel):
    """A row with features outside their training range, where activations go on periodically: an extrapolation."""

    row: int
    features: list[str]


class ScoredLabel(BaseModel):
    """A class and its score (dct head); of two classes the score is the second one's, whose sign decides.

    `set`: the labels of the coverage that the request names, the most probable first.
    """

    model_config = ConfigDict(extra="forbid")
    label: Label
    score: float
    set: list[Label] | None = None


class LikelyLabel(BaseModel):
    """The most probable class, and the probability of each (linear head).

    `set`: the labels of the coverage that the request names, the most probable first.
    """

    model_config = ConfigDict(extra="forbid")
    label: Label
    probabilities: dict[str, float]
    set: list[Label] | None = None


class Interval(BaseModel):
    """A value of a regression, or several, and the interval of the coverage that the request names."""

    model_config = ConfigDict(extra="forbid")
    value: float | list[float]
    lower: float | list[float]
    upper: float | list[float]


Prediction = TypeAliasType("Prediction", ScoredLabel | LikelyLabel | Interval | float | list[float])


class PredictResponse(BaseModel):
    """One prediction per row: a number, a list of numbers, or a label with score or probabilities.

    With a coverage: a value with its interval, or a label with its set.
    """

    model_config = ConfigDict(extra="forbid")
    predictions: list[Prediction]
    out_of_range: list[OutOfRange] = []
    unknown: list[OutOfRange] = []


class Bump(BaseModel):
    """One hidden neuron's share of the pre-activation: value = weight x activation, the sum of its harmonics.

    With the harmonics comes the neuron's own pre_activation, where it stands on its activation.
    `probability_change`: part of the probability that this bump contributes; independent of the order of the bumps
    (integrated gradients). base_probability + all changes = response.
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
    """Sum of the bumps that `top` leaves out."""

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
    """base_value + the sum of the values = pre_activation; `error`: estimated error, for several hidden layers.

    `interactions` divides the value of each feature among its pairs and its main effect.
    """

    model_config = ConfigDict(extra="forbid")
    method: Method
    base_value: float
    values: dict[str, float]
    error: float = 0.0
    interactions: dict[str, dict[str, float]] = {}


class Stability(BaseModel):
    """Bounds of the pre_activation over all rows within the tolerance, which hold for the served file.

    `label_holds` is true if every such row has the predicted label, false if `counterexample` has another one, and null
    if neither is known, or for a regression.
    """

    model_config = ConfigDict(extra="forbid")
    lower: float
    upper: float
    label_holds: bool | None
    counterexample: dict[str, Value] | None


class Change(BaseModel):
    """Value of a feature in the row and in the counterfactual."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)
    old: Value = Field(alias="from")
    new: Value = Field(alias="to")


class Counterfactual(BaseModel):
    """The nearest row found with the wished outcome, and its prediction; no row within `no_closer_than` has it.

    The distance is the sum of the changes, each in units of the training range; another category counts 1. If no row
    was found, `reason` says why, and the rest is null, or the distance that is proved.
    """

    model_config = ConfigDict(extra="forbid")
    instance: dict[str, Value] | None
    changes: dict[str, Change] | None
    distance: float | None
    no_closer_than: float | None
    prediction: Prediction | None
    reason: str | None = None


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
    """The features outside their training range, where the row is an extrapolation, and those ranges.

    `unknown`: features whose value no training row had: a category, or a missing value.
    """

    model_config = ConfigDict(extra="forbid")
    out_of_range: list[str]
    ranges: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = {}
    unknown: list[str] = []


class Explanation(OutputExplanation, Flags):
    """The explanation of one output of a row."""

    stability: Stability | None = None
    counterfactual: Counterfactual | None = None


class SeveralExplanations(Flags):
    """The explanations of several outputs of a row."""

    outputs: list[OutputExplanation]


RowExplanation = TypeAliasType("RowExplanation", Explanation | SeveralExplanations)


class ExplainResponse(BaseModel):
    """One prediction and one explanation per row."""

    model_config = ConfigDict(extra="forbid")
    predictions: list[Prediction]
    explanations: list[RowExplanation]


class TensorParameters(BaseModel):
    """Length in bytes of this tensor in the binary part; it replaces `data`."""

    binary_data_size: int | None = Field(default=None, ge=0)


class OutputTensor(BaseModel):
    """A tensor of the answer, data flat in row-major order."""

    model_config = ConfigDict(extra="forbid")
    name: str
    shape: list[int]
    datatype: str = Field(examples=["FP32", "BYTES", "BOOL"])
    parameters: TensorParameters | None = None
    data: list[float] | list[str] | list[bool] | None = None


class InferResponseParameters(BaseModel):
    """Number of rows that left the training range, and of rows with unknown values."""

    model_config = ConfigDict(extra="forbid")
    rows_out_of_range: int | None = None
    rows_unknown: int | None = None


class InferResponse(BaseModel):
    """The tensors asked for; the parameters tell how many rows left the training range, where any did."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())
    model_name: str
    model_version: str
    id: str
    parameters: InferResponseParameters | None = None
    outputs: list[OutputTensor]


class ExplainTensorsResponse(InferResponse):
    """The response of infer, with one explanation per row."""

    explanations: list[RowExplanation]
