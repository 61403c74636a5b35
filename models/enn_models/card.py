"""The card: what a model says about itself, JSON in the ONNX metadata under `enn.card`."""

import base64
import math
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, StrictBool, StrictInt, StrictStr, model_validator

from enn_models.activation_statistics import ActivationStatistics
from enn_models.features import CardPart, Feature, Name, column_encoding, valid_values
from enn_models.network import Head, Layer, Network, Parameters, Task

METADATA_KEY = "enn.card"
FLOAT32_MAX = float(np.finfo(np.float32).max)
Label = StrictBool | Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)] | StrictStr
Width = Annotated[int, Field(ge=1, le=65_536)]
Rows = tuple[tuple[FiniteFloat, ...], ...]
RawRows = tuple[tuple[FiniteFloat | None, ...], ...]
Floats = NDArray[np.float64]


class GoldenVector(CardPart):
    """Rows and the float64 oracle's answers to them: what every runtime that loads the model must reproduce.

    Attributes:
        inputs: [rows, features], exactly representable in float32; None where a value is missing.
        outputs: [rows, outputs].
        bumps: [rows, units, neurons].
    """

    inputs: Annotated[RawRows, Field(min_length=1, max_length=64)]
    outputs: Rows
    bumps: tuple[Rows, ...]


class SmallBatchPath(CardPart):
    """The part of the graph that predicts few rows the fastest: between two of its inner values.

    Attributes:
        unrolling: How the activation was written there, as in Unrolled.output.
        rows: The most rows for which it is the faster one.
        input: The value to feed, as `input`; who opens the whole graph has its first row there.
        output: The value to fetch, as `output`.
        bumps: The value to fetch as `bumps`; None where it is no faster.
    """

    unrolling: Name
    rows: Annotated[int, Field(ge=1)]
    input: Name
    output: Name
    bumps: Name | None = None


class Timing(CardPart):
    """The microseconds of one prediction by each unrolling, on the machine and at the batch of the export."""

    rows: Annotated[int, Field(ge=1)]
    microseconds: dict[Name, FiniteFloat]


class UnrollingChoice(CardPart):
    """How the activation was written in ONNX operators.

    Attributes:
        output: The unrolling on the way to `output`; "folded, output ladder" where the output layer has one of its own.
        precision: What the graph computes in; its inputs and outputs are float32.
        few: The part for few rows; None where there is none.
        measured: What was measured to choose `output`; None where a rule chose.
    """

    output: Name
    precision: Literal["float32", "float64"] = "float32"
    few: SmallBatchPath | None = None
    measured: Timing | None = None


def to_array(rows: RawRows) -> Floats:
    """Return rows of a card as float64 [rows, features], NaN where a value is missing."""
    return np.array(rows, dtype=np.float64)


class Card(CardPart):
    """Everything there is to know about a model without running it.

    Attributes:
        layers: Sizes [columns, hidden..., units]; features.py says which columns a feature has.
        harmonics: Q of every learned activation.
        parameters: Base64 of little-endian float32: input_offset, then W, b, F of each layer, then output_offset.
        bias: Bias of each output unit; bias + sum of bumps = pre_activation.
        unrolling: How the activation was written in ONNX operators.
        training: Learner, seed and settings. No time stamp: equal seeds make equal files.
        scores: Held-out scores, named as scikit-learn names them.
        fingerprint: SHA-256 of the training data.
        background: Raw training rows, [rows, features], against which Shapley values are taken, as golden.inputs has
            them; None if the owner keeps them back.
    """

    format: Literal[1] = 1
    task: Task
    head: Head
    features: Annotated[tuple[Feature, ...], Field(min_length=1)]
    classes: Annotated[tuple[Label, ...], Field(min_length=2)] | None = None
    layers: Annotated[tuple[Width, ...], Field(min_length=3, max_length=16)]
    harmonics: Annotated[int, Field(ge=1, le=1024)]
    parameters: str
    bias: tuple[FiniteFloat, ...]
    unrolling: UnrollingChoice
    training: dict[str, Any]
    scores: dict[str, FiniteFloat]
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    golden: GoldenVector
    background: Annotated[RawRows, Field(min_length=1, max_length=1000)] | None = None
    usage: ActivationStatistics | None = None

    @model_validator(mode="after")
    def _check_consistency(self) -> "Card":
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            raise ValueError("features: two have the same name")
        columns = sum(len(feature.columns) for feature in self.features)
        if columns != self.layers[0]:
            raise ValueError(f"features: {columns} columns for a network of {self.layers[0]}")
        expected = None if self.task == "regression" else max(2, self.layers[-1])
        if (None if self.classes is None else len(self.classes)) != expected:
            raise ValueError(
                f"classes: {self.classes}; expected {expected or 'none'} ({self.task}, {self.layers[-1]} units)"
            )
        if len({str(label) for label in self.classes or ()}) != len(self.classes or ()):
            raise ValueError(f"classes: {self.classes}; two have the same text")
        self._check_parameters()
        self._check_golden()
        if self.background is not None:
            self._check_rows("background", self.background)
        if self.usage is not None:
            self._check_usage(self.usage)
        return self

    @cached_property
    def feature_names(self) -> list[str]:
        """The names of the features."""
        return [feature.name for feature in self.features]

    @cached_property
    def non_numeric_features(self) -> tuple[tuple[int, Feature], ...]:
        """The features, by index, that take more than a number: a name, true, false or null."""
        return tuple(
            (index, feature)
            for index, feature in enumerate(self.features)
            if feature.kind != "numeric" or feature.missing
        )

    @cached_property
    def typical_row(self) -> tuple[float, ...]:
        """A value of each feature, as a row has it, that the training data often have.

        The median of the background's numbers and its most frequent category; without a background the mean of the
        training part and the first category.
        """
        rows = np.full((1, len(self.features)), np.nan) if self.background is None else to_array(self.background)
        return tuple(_typical_value(feature, values) for feature, values in zip(self.features, rows.T, strict=True))

    def _check_parameters(self) -> None:
        network = self.network()
        if not np.array_equal(network.layers[-1].bias, np.asarray(self.bias, dtype=np.float32)):
            raise ValueError("bias: not the bias in the parameters")

    def _check_golden(self) -> None:
        network, golden = self.network(), self.golden
        rows = len(golden.inputs)
        expected = ((rows, network.inputs), (rows, network.outputs), (rows, network.units, self.layers[-2]))
        for field, shape in zip(("inputs", "outputs", "bumps"), expected, strict=True):
            try:
                found = list(np.shape(getattr(golden, field)))
            except ValueError:
                found = "ragged"
            if found != list(shape):
                raise ValueError(f"golden.{field}: shape {found}; expected {list(shape)}")
        self._check_rows("golden.inputs", golden.inputs)

    def _check_rows(self, field: str, rows: RawRows) -> None:
        if any(len(row) != len(self.features) for row in rows):
            raise ValueError(f"{field}: a row has not the {len(self.features)} values of the features")
        inputs = to_array(rows)
        for feature, values in zip(self.features, inputs.T, strict=True):
            if not valid_values(feature, values).all():
                raise ValueError(f"{field}: not all are values of feature {feature.name!r}")
        inputs = inputs[~np.isnan(inputs)]
        if not (np.abs(inputs) <= FLOAT32_MAX).all() or not np.array_equal(inputs, inputs.astype(np.float32)):
            raise ValueError(f"{field}: not all are float32 values, which the graph takes")

    def _check_usage(self, usage: ActivationStatistics) -> None:
        expected = list(self.layers[1:] if self.head == "dct" else self.layers[1:-1])
        if [len(neurons) for neurons in usage] != expected:
            raise ValueError(f"usage: of {[len(neurons) for neurons in usage]} neurons; expected {expected}")

    def network(self) -> Network:
        """Return the network that the parameters describe.

        Raises:
            ValueError: The parameters are not base64, too few, too many or not finite.
        """
        try:
            values = np.frombuffer(base64.b64decode(self.parameters, validate=True), dtype="<f4").astype(np.float32)
        except ValueError as error:
            raise ValueError(f"parameters: {error}") from None
        sizes = [math.prod(shape) for shape in self._shapes()]
        if len(values) != sum(sizes):
            raise ValueError(f"parameters: {len(values)} float32 values; layers and harmonics need {sum(sizes)}")
        if not np.isfinite(values).all():
            raise ValueError("parameters: not all finite")
        parts = [
            part.reshape(shape)
            for part, shape in zip(np.split(values, np.cumsum(sizes)[:-1]), self._shapes(), strict=True)
        ]
        layers = self._layers(parts[1:-1])
        return Network(self.task, self.head, layers, parts[0], parts[-1], encoding=column_encoding(self.features))

    def _shapes(self) -> list[tuple[int, ...]]:
        shapes: list[tuple[int, ...]] = [(self.layers[0],)]
        for inputs, neurons in zip(self.layers, self.layers[1:], strict=False):
            shapes += [(neurons, inputs), (neurons,), (neurons, self.harmonics)]
        if self.head == "linear":
            del shapes[-1]
        return [*shapes, (self.layers[-1],)]

    def _layers(self, parts: list[Parameters]) -> tuple[Layer, ...]:
        triples = [parts[start : start + 3] for start in range(0, len(parts), 3)]
        return tuple(Layer(triple[0], triple[1], triple[2] if len(triple) == 3 else None) for triple in triples)


def _typical_value(feature: Feature, values: Floats) -> float:
    """Return the typical one of the values [rows] of a feature."""
    known = values[~np.isnan(values)]
    if feature.kind == "numeric":
        return float(np.float32(np.median(known) if len(known) else feature.mean))
    return float(np.bincount(known.astype(np.int64)).argmax()) if len(known) else 0.0


def network_fields(network: Network) -> dict[str, Any]:
    """Return the fields of a card that follow from the network: task, head, layers, harmonics, parameters, bias.

    Raises:
        ValueError: The layers have different numbers of harmonics; pad the shorter ones with zeros.
    """
    coefficients = [layer.coefficients for layer in network.layers if layer.coefficients is not None]
    harmonics = {part.shape[1] for part in coefficients}
    if len(harmonics) != 1:
        raise ValueError(f"harmonics differ between the layers: {sorted(harmonics)}; pad the shorter ones with zeros")
    parts = [part for layer in network.layers for part in (layer.weight, layer.bias, layer.coefficients)]
    values = [part for part in (network.input_offset, *parts, network.output_offset) if part is not None]
    data = b"".join(np.ascontiguousarray(part, dtype="<f4").tobytes() for part in values)
    return {
        "task": network.task,
        "head": network.head,
        "layers": (network.columns, *(len(layer.bias) for layer in network.layers)),
        "harmonics": harmonics.pop(),
        "parameters": base64.b64encode(data).decode("ascii"),
        "bias": tuple(network.layers[-1].bias.tolist()),
    }
