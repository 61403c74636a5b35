"""A network as NumPy arrays with its exact float64 response: the reference for torch, LMS and ONNX."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from enn_models import cosine_series
from enn_models.encoding import Encoding

Head = Literal["dct", "linear"]
Task = Literal["classification", "regression"]
Parameters = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer, z = W s + b, followed by an activation function for each neuron.

    Attributes:
        weight: W, float32 [neurons, inputs].
        bias: b, float32 [neurons].
        coefficients: DCT coefficients F, float32 [neurons, Q]; None for a linear layer (the linear head).
    """

    weight: Parameters
    bias: Parameters
    coefficients: Parameters | None

    def __post_init__(self) -> None:
        """Check that the shapes agree."""
        neurons = self.weight.shape[0]
        coefficients = self.coefficients
        if self.weight.ndim != 2 or self.bias.shape != (neurons,):
            raise ValueError(f"weight {self.weight.shape} and bias {self.bias.shape}: expected [n, m] and [n]")
        if coefficients is not None and (coefficients.ndim != 2 or coefficients.shape[0] != neurons):
            raise ValueError(f"coefficients {coefficients.shape} for {neurons} neurons: expected [{neurons}, Q]")

    def pre_activation(self, s: cosine_series.Floats) -> cosine_series.Floats:
        """Return z = W s + b, float64 [batch, neurons], of inputs [batch, inputs]."""
        return s @ self.weight.astype(np.float64).T + self.bias.astype(np.float64)

    def activation(self, z: cosine_series.Floats) -> cosine_series.Floats:
        """Return sigma(z), float64 [batch, neurons]; z for a linear layer."""
        return z if self.coefficients is None else cosine_series.activation(z, self.coefficients)


@dataclass(frozen=True)
class Response:
    """Response of a network to a batch, all float64.

    Attributes:
        output: Regression values, class scores (dct head) or class probabilities (linear head), [batch, outputs].
        pre_activation: Input of the output layer's activation, bias + sum of the bumps, [batch, units].
        bumps: Terms v_um sigma_m(z_m) of the last hidden layer's neurons in each output, [batch, units, neurons].
        activation: Values sigma_m(z_m) of the last hidden layer, [batch, neurons].
    """

    output: cosine_series.Floats
    pre_activation: cosine_series.Floats
    bumps: cosine_series.Floats
    activation: cosine_series.Floats


@dataclass(frozen=True, eq=False)
class Network:
    """An ENN for raw rows; layers[:-1] are hidden, layers[-1] is the output layer.

    Attributes:
        task: "classification" or "regression".
        head: "dct" (the paper's: the output neurons have learned activations too) or "linear" (values or logits).
        layers: At least two layers; each takes as many inputs as the layer before has neurons.
        input_offset: Offset subtracted from the columns, float32 [columns]; zero for each column with a scaling to
            [-1, 1] that the first layer includes without loss of precision.
        output_offset: Offset added to the regression output of a dct head, float32 [units]; zero for other heads.
        encoding: Rules that turn a raw row into the columns of the first layer; None if raw values are the columns.
    """

    task: Task
    head: Head
    layers: tuple[Layer, ...]
    input_offset: Parameters
    output_offset: Parameters
    encoding: Encoding | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Check that the layers fit each other and the head."""
        if len(self.layers) < 2:
            raise ValueError(f"{len(self.layers)} layer(s): expected at least one hidden layer and the output layer")
        widths = [self.input_offset.shape[0], *(len(layer.bias) for layer in self.layers)]
        for index, layer in enumerate(self.layers):
            if layer.weight.shape[1] != widths[index]:
                raise ValueError(f"layer {index} has {layer.weight.shape[1]} inputs: expected {widths[index]}")
            linear = self.head == "linear" and index == len(self.layers) - 1
            if linear != (layer.coefficients is None):
                raise ValueError(
                    f"layer {index} {'may not' if linear else 'must'} have coefficients ({self.head} head)"
                )
        if self.output_offset.shape != (widths[-1],):
            raise ValueError(f"output_offset {self.output_offset.shape}: expected [{widths[-1]}]")
        if self.encoding is not None and self.encoding.columns != widths[0]:
            raise ValueError(f"encoding: {self.encoding.columns} columns for a first layer of {widths[0]}")

    @property
    def inputs(self) -> int:
        """Number of raw values in a row."""
        return self.columns if self.encoding is None else self.encoding.inputs

    @property
    def columns(self) -> int:
        """Number of columns that the first layer takes."""
        return self.input_offset.shape[0]

    @property
    def units(self) -> int:
        """Number of neurons in the output layer."""
        return len(self.layers[-1].bias)

    @property
    def outputs(self) -> int:
        """Number of output columns: one per unit, or two probabilities for the single logit of two classes."""
        return 2 if self.link == "sigmoid" and self.units == 1 else self.units

    @property
    def spectrum(self) -> Parameters:
        """DCT coefficients of the last hidden layer, float32 [neurons, Q]."""
        coefficients = self.layers[-2].coefficients
        if coefficients is None:
            raise ValueError("the last hidden layer is linear; expected DCT coefficients")
        return coefficients

    @property
    def link(self) -> Literal["identity", "sigmoid", "softmax"]:
        """Function after the output layer: the identity, or the link from logits to probabilities."""
        if self.task == "regression" or self.head == "dct":
            return "identity"
        return "sigmoid" if self.units == 1 else "softmax"

    @property
    def parameters(self) -> int:
        """Number of learned parameters: weights, biases and DCT coefficients."""
        parts = [part for layer in self.layers for part in (layer.weight, layer.bias, layer.coefficients)]
        return sum(part.size for part in parts if part is not None)

    def respond(self, x: ArrayLike) -> Response:
        """Compute output, pre-activation and bumps of raw inputs [batch, inputs].

        Raises:
            ValueError: x is not [batch, inputs].
        """
        last = self.layers[-1]
        activation = self.layers[-2].activation(self.hidden_pre_activations(x)[-1])
        pre_activation = last.pre_activation(activation)
        bumps = last.weight.astype(np.float64) * activation[:, None, :]
        return Response(self.apply_head(pre_activation), pre_activation, bumps, activation)

    def harmonics(self, x: ArrayLike) -> cosine_series.Floats:
        """Compute the harmonics of the bumps, float64 [batch, units, neurons, Q], of raw inputs [batch, inputs]."""
        terms = cosine_series.harmonics(self.hidden_pre_activations(x)[-1], self.spectrum)
        return self.layers[-1].weight.astype(np.float64)[:, :, None] * terms[:, None]

    def hidden_pre_activations(self, x: ArrayLike) -> list[cosine_series.Floats]:
        """Compute the pre-activations of each hidden layer, float64 [batch, neurons], of raw inputs [batch, inputs]."""
        result = [self.layers[0].pre_activation(self.encode(x) - self.input_offset)]
        for before, layer in pairwise(self.layers[:-1]):
            result.append(layer.pre_activation(before.activation(result[-1])))
        return result

    def activation_inputs(self, x: ArrayLike) -> list[cosine_series.Floats]:
        """Compute the pre-activations of each layer with learned activations: the hidden layers, and a dct output.

        Args:
            x: Raw inputs [batch, inputs].

        Returns:
            Pre-activations of each layer, float64 [batch, neurons].
        """
        result, last = self.hidden_pre_activations(x), self.layers[-1]
        if last.coefficients is not None:
            result.append(last.pre_activation(self.layers[-2].activation(result[-1])))
        return result

    def encode(self, x: ArrayLike) -> cosine_series.Floats:
        """Encode raw inputs [batch, inputs] as the columns of the first layer, float64 [batch, columns].

        Raises:
            ValueError: x is not [batch, inputs].
        """
        rows = np.asarray(x, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.inputs:
            raise ValueError(f"inputs have shape {list(rows.shape)}: expected [batch, {self.inputs}]")
        return rows if self.encoding is None else self.encoding.apply(rows)

    def gradient(self, x: ArrayLike) -> cosine_series.Floats:
        """Compute d output pre-activation / d column, float64 [batch, units, columns], at raw inputs [batch, inputs].

        Raises:
            ValueError: x is not [batch, inputs].
        """
        result = self.layers[-1].weight.astype(np.float64)[None]
        for layer, z in zip(self.layers[-2::-1], reversed(self.hidden_pre_activations(x)), strict=True):
            slope = 1.0 if layer.coefficients is None else cosine_series.derivative(z, layer.coefficients)[:, None, :]
            result = (result * slope) @ layer.weight.astype(np.float64)
        return result

    def apply_head(self, pre_activation: cosine_series.Floats) -> cosine_series.Floats:
        """Compute the output [batch, outputs] from output pre-activations [batch, units]."""
        if self.link == "sigmoid":
            second = 0.5 * (1.0 + np.tanh(0.5 * pre_activation))
            first = 0.5 * (1.0 - np.tanh(0.5 * pre_activation))
            return np.concatenate([first, second], axis=1)
        if self.link == "softmax":
            powers = np.exp(pre_activation - pre_activation.max(axis=1, keepdims=True))
            return powers / powers.sum(axis=1, keepdims=True)
        return self.layers[-1].activation(pre_activation) + self.output_offset
