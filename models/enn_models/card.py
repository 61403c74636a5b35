"""The card: what a model says about itself, JSON in the ONNX metadata under `enn.card`."""

import base64
import math
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, StrictInt, StrictStr, model_validator

from enn_models.network import Head, Layer, Network, Parameters, Task

METADATA_KEY = "enn.card"
FLOAT32_MAX = float(np.finfo(np.float32).max)
Label = StrictBool | Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)] | StrictStr
Width = Annotated[int, Field(ge=1, le=65_536)]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Rows = tuple[tuple[FiniteFloat, ...], ...]


class _Part(BaseModel):
    """Frozen, and closed to fields that this version does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Feature(_Part):
    """One raw input column; minimum, maximum and mean are those of the training part, in the column's own unit."""

    name: Name
    kind: Literal["numeric"] = "numeric"
    minimum: FiniteFloat
    maximum: FiniteFloat
    mean: FiniteFloat

    @model_validator(mode="after")
    def _is_a_range(self) -> "Feature":
        if not self.minimum <= self.maximum:
            raise ValueError(f"feature {self.name!r}: minimum {self.minimum} is above maximum {self.maximum}")
        return self


class Golden(_Part):
    """Rows and the float64 oracle's answers to them: what every runtime that loads the model must reproduce.

    Attributes:
        inputs: [rows, features], exactly representable in float32.
        outputs: [rows, outputs].
        bumps: [rows, units, neurons].
    """

    inputs: Annotated[Rows, Field(min_length=1, max_length=64)]
    outputs: Rows
    bumps: tuple[Rows, ...]


class FewRows(_Part):
    """The part of the graph that predicts few rows the fastest: between two of its inner values.

    Attributes:
        unrolling: How the activation was written there.
        rows: The most rows for which it is the faster one, and the most that it takes.
        input: The value to feed, as `input`.
        output: The value to fetch, as `output`.
    """

    unrolling: Name
    rows: Annotated[int, Field(ge=1)]
    input: Name
    output: Name


class Measured(_Part):
    """The median microseconds of one prediction by each unrolling, on the machine and at the batch of the export."""

    rows: Annotated[int, Field(ge=1)]
    microseconds: dict[Name, FiniteFloat]


class Unrolled(_Part):
    """How the activation was written in ONNX operators.

    Attributes:
        output: The unrolling on the way to `output`.
        precision: What the graph computes in; its inputs and outputs are float32.
        few: The part for few rows; None where there is none.
        measured: What was measured to choose `output`; None where a rule chose.
    """

    output: Name
    precision: Literal["float32", "float64"] = "float32"
    few: FewRows | None = None
    measured: Measured | None = None


class Card(_Part):
    """Everything there is to know about a model without running it.

    Attributes:
        layers: Sizes [features, hidden..., units].
        harmonics: Q of every learned activation.
        parameters: Base64 of little-endian float32: input_offset, then W, b, F of each layer, then output_offset.
        bias: Bias of each output unit; bias + sum of bumps = pre_activation.
        unrolling: How the activation was written in ONNX operators.
        training: Learner, seed and settings. No time stamp: equal seeds make equal files.
        scores: Held-out scores, named as scikit-learn names them.
        fingerprint: SHA-256 of the training data.
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
    unrolling: Unrolled
    training: dict[str, Any]
    scores: dict[str, FiniteFloat]
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    golden: Golden

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Card":
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            raise ValueError("features: two have the same name")
        if len(names) != self.layers[0]:
            raise ValueError(f"features: {len(names)} for a network of {self.layers[0]} inputs")
        expected = None if self.task == "regression" else max(2, self.layers[-1])
        if (None if self.classes is None else len(self.classes)) != expected:
            raise ValueError(
                f"classes: {self.classes}; expected {expected or 'none'} ({self.task}, {self.layers[-1]} units)"
            )
        if len({str(label) for label in self.classes or ()}) != len(self.classes or ()):
            raise ValueError(f"classes: {self.classes}; two have the same text")
        self._check_parameters()
        self._check_golden()
        return self

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
        inputs = np.asarray(golden.inputs)
        if not (np.abs(inputs) <= FLOAT32_MAX).all() or not np.array_equal(inputs, inputs.astype(np.float32)):
            raise ValueError("golden.inputs: not all are float32 values, which the graph takes")

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
        return Network(self.task, self.head, self._layers(parts[1:-1]), parts[0], parts[-1])

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


def pack(network: Network) -> dict[str, Any]:
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
        "layers": (network.inputs, *(len(layer.bias) for layer in network.layers)),
        "harmonics": harmonics.pop(),
        "parameters": base64.b64encode(data).decode("ascii"),
        "bias": tuple(network.layers[-1].bias.tolist()),
    }
