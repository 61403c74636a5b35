"""Definition of `Card`, its checks, and its network."""

import base64
import math
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, FiniteFloat, StrictBool, StrictInt, StrictStr, model_validator

from enn_models.card.activation_statistics import ActivationStatistics
from enn_models.card.calibration import Calibration
from enn_models.card.features import CardPart, Feature, column_encoding, valid_values
from enn_models.card.parts import FLOAT32_MAX, Floats, GoldenVector, RawRows, UnrollingChoice, to_array
from enn_models.network import Head, Layer, Network, Parameters, Task

METADATA_KEY = "enn.card"
Label = StrictBool | Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)] | StrictStr
Width = Annotated[int, Field(ge=1, le=65_536)]


class Card(CardPart):
    """Description of a model: features, classes, parameters, training, scores and the golden vector.

    Attributes:
        format: Version of this format; 1 has no field that is new in 2.
        task: Kind of problem, "classification" or "regression".
        head: Kind of output layer, "dct" or "linear".
        features: Description of each raw value of a row; `features.py` defines the columns of each.
        classes: Class labels; None for a regression.
        layers: Layer sizes [columns, hidden..., units].
        harmonics: Number Q of cosines in every learned activation.
        parameters: Base64 of little-endian float32: input_offset, then W, b, F of each layer, then output_offset.
        bias: Bias of each output unit; bias + sum of bumps = pre_activation.
        unrolling: Unrolling of the activation into ONNX operators.
        training: Learner, seed and settings; without a time stamp, so that equal seeds make equal files.
        scores: Held-out scores, under scikit-learn's names.
        fingerprint: SHA-256 of the training data.
        golden: Test rows with reference results.
        background: Raw training rows, [rows, features], for Shapley values, in the form of `golden.inputs`; None if the
            owner does not publish them.
        usage: Statistics of each activation on the training data; None if the owner does not publish them.
        calibration: Scores for intervals and sets with a stated coverage; None if training made none. New in format 2.
        column_means: Mean of each column of the network over the training rows, which stands for an unknown value; None
            if training stored none. New in format 2.
    """

    format: Literal[1, 2] = 2
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
    calibration: Calibration | None = None
    column_means: tuple[FiniteFloat, ...] | None = None

    @model_validator(mode="after")
    def _check_consistency(self) -> "Card":
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            raise ValueError("features: two have the same name")
        for feature in self.features:
            if self.format == 1 and feature.kind == "numeric" and feature.knots is not None:
                raise ValueError(f"format 1: feature {feature.name!r} has knots, which are new in format 2")
            if self.format == 1 and feature.kind == "categorical" and (feature.other is not None or feature.ordered):
                raise ValueError(f"format 1: feature {feature.name!r} has other or ordered, which are new in format 2")
        columns = sum(len(feature.columns) for feature in self.features)
        if columns != self.layers[0]:
            raise ValueError(f"features: {columns} columns; the first of layers is {self.layers[0]}")
        expected = None if self.task == "regression" else max(2, self.layers[-1])
        if (None if self.classes is None else len(self.classes)) != expected:
            raise ValueError(
                f"classes: {self.classes}; expected {expected or 'none'} ({self.task}, {self.layers[-1]} units)"
            )
        if len({str(label) for label in self.classes or ()}) != len(self.classes or ()):
            raise ValueError(f"classes: {self.classes}; two have the same text")
        self._check_bias()
        self._check_golden()
        self._check_optional_fields()
        return self

    def _check_optional_fields(self) -> None:
        if self.background is not None:
            self._check_rows("background", self.background)
        if self.usage is not None:
            self._check_usage(self.usage)
        if self.calibration is not None:
            self._check_calibration(self.calibration)
        if self.column_means is not None:
            self._check_column_means(len(self.column_means))

    @cached_property
    def feature_names(self) -> list[str]:
        """Names of the features."""
        return [feature.name for feature in self.features]

    @cached_property
    def non_numeric_features(self) -> tuple[tuple[int, Feature], ...]:
        """Features, with their indices, that accept other JSON values than numbers: a name, true, false or null."""
        return tuple(
            (index, feature)
            for index, feature in enumerate(self.features)
            if feature.kind != "numeric" or feature.missing
        )

    @cached_property
    def typical_row(self) -> tuple[float, ...]:
        """A raw row of typical values.

        Each value is the median number or the most frequent category of the background; without a background, the
        mean of the training data or the first category.
        """
        rows = np.full((1, len(self.features)), np.nan) if self.background is None else to_array(self.background)
        return tuple(_typical_value(feature, values) for feature, values in zip(self.features, rows.T, strict=True))

    def _check_bias(self) -> None:
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

    def _check_calibration(self, calibration: Calibration) -> None:
        if self.format == 1:
            raise ValueError("calibration: not in format 1; expected format 2")
        outputs = self.layers[-1] if self.task == "regression" else 0
        expected, found = (max(outputs, 1), outputs), (len(calibration.scores), len(calibration.scales))
        if found != expected:
            raise ValueError(f"calibration: {found} scores and scales; expected {expected}")
        for scale in calibration.scales:
            if len(scale.weights) not in (0, self.layers[-2]):
                raise ValueError(f"calibration: a scale of {len(scale.weights)} neurons; expected {self.layers[-2]}")

    def _check_column_means(self, found: int) -> None:
        if self.format == 1:
            raise ValueError("column_means: not in format 1; expected format 2")
        if found != self.layers[0]:
            raise ValueError(f"column_means: {found} numbers; expected one for each of {self.layers[0]} columns")

    def network(self) -> Network:
        """Build the network from the parameters.

        Raises:
            ValueError: The parameters are not base64, have the wrong number of values, or are not finite.
        """
        try:
            values = np.frombuffer(base64.b64decode(self.parameters, validate=True), dtype="<f4").astype(np.float32)
        except ValueError as error:
            raise ValueError(f"parameters: {error}") from None
        sizes = [math.prod(shape) for shape in self._parameter_shapes()]
        if len(values) != sum(sizes):
            raise ValueError(f"parameters: {len(values)} float32 values; layers and harmonics need {sum(sizes)}")
        if not np.isfinite(values).all():
            raise ValueError("parameters: not all finite")
        parts = [
            part.reshape(shape)
            for part, shape in zip(np.split(values, np.cumsum(sizes)[:-1]), self._parameter_shapes(), strict=True)
        ]
        layers = self._build_layers(parts[1:-1])
        return Network(self.task, self.head, layers, parts[0], parts[-1], encoding=column_encoding(self.features))

    def _parameter_shapes(self) -> list[tuple[int, ...]]:
        shapes: list[tuple[int, ...]] = [(self.layers[0],)]
        for inputs, neurons in zip(self.layers, self.layers[1:], strict=False):
            shapes += [(neurons, inputs), (neurons,), (neurons, self.harmonics)]
        if self.head == "linear":
            del shapes[-1]
        return [*shapes, (self.layers[-1],)]

    @staticmethod
    def _build_layers(parts: list[Parameters]) -> tuple[Layer, ...]:
        triples = [parts[start : start + 3] for start in range(0, len(parts), 3)]
        return tuple(Layer(triple[0], triple[1], triple[2] if len(triple) == 3 else None) for triple in triples)


def _typical_value(feature: Feature, values: Floats) -> float:
    """Return a typical value of a feature, given its values [rows] in the background."""
    known = values[~np.isnan(values)]
    if feature.kind == "numeric":
        return float(np.float32(np.median(known) if len(known) else feature.mean))
    return float(np.bincount(known.astype(np.int64)).argmax()) if len(known) else 0.0


def network_fields(network: Network) -> dict[str, Any]:
    """Return the card fields that the network determines: task, head, layers, harmonics, parameters, bias.

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
