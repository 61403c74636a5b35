"""Parameters of a network as one vector, in an order in which those that the output is linear in are together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Layer, Network
from enn_training.errors import OptionError
from enn_training.kernels.basis import COSINES, IDENTITY
from enn_training.kernels.jacobian import Layout
from enn_training.nn.architecture import Architecture

Floats = NDArray[np.float64]

MAX_PARAMETERS = 3_000
"""Most parameters: time grows with their square times the rows, and memory with their square (72 MB here)."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """Place the parameters of a network in a vector.

    With one unit, the weights of the output layer are 1: they multiply the coefficients of the last hidden layer,
    which have the same effect. The vector ends with the linear parameters, on which the pre-activation of the output
    depends linearly, and the coefficients of the output.

    Attributes:
        layout: Places of the parameters.
        size: Number of parameters.
        linear: Place of the first linear parameter.
        head: Place of the first coefficient of the output; `size` for a linear head.
    """

    layout: Layout
    size: int
    linear: int
    head: int

    @classmethod
    def of(
        cls, widths: Sequence[int], kinds: Sequence[int], harmonics: Sequence[int], biased: Sequence[bool] | None = None
    ) -> "Parameters":
        """Return the places for layers of some sizes.

        Args:
            widths: Layer sizes: (inputs, hidden..., units).
            kinds: Kind of the activation of each layer, as in `kernels.basis`.
            harmonics: Number of coefficients of each neuron of a layer.
            biased: True for each layer with biases; None if all have them.
        """
        layers = range(len(kinds))
        last = layers[-1]
        absorbed = widths[-1] == 1 and last > 0 and harmonics[last - 1] > 0
        weight, bias, coefficients = ([-1] * len(kinds) for _ in range(3))
        size = 0

        def place(places: list[int], layer: int, count: int) -> None:
            nonlocal size
            places[layer] = size
            size += count

        def place_bias(layer: int) -> None:
            if biased is None or biased[layer]:
                place(bias, layer, widths[layer + 1])

        for layer in layers[:-1]:
            place(weight, layer, widths[layer] * widths[layer + 1])
            place_bias(layer)
            if not (absorbed and layer == last - 1):
                place(coefficients, layer, widths[layer + 1] * harmonics[layer])
        linear = size
        if absorbed:
            place(coefficients, last - 1, widths[last] * harmonics[last - 1])
        else:
            place(weight, last, widths[last] * widths[last + 1])
        place_bias(last)
        head = size
        place(coefficients, last, widths[last + 1] * harmonics[last])
        numbers = (widths, kinds, harmonics, weight, bias, coefficients)
        return cls(Layout(*(np.array(each, np.int64) for each in numbers)), size, linear, head)

    @classmethod
    def of_architecture(cls, architecture: Architecture) -> "Parameters":
        """Return the places for an ENN."""
        hidden, harmonics = len(architecture.hidden), architecture.harmonics
        dct = architecture.head == "dct"
        kinds = (*[COSINES] * hidden, COSINES if dct else IDENTITY)
        return cls.of(architecture.widths, kinds, (*[harmonics] * hidden, harmonics if dct else 0))

    @property
    def absorbed(self) -> bool:
        """True if the weights of the output layer are 1."""
        return bool(self.layout.weight[-1] < 0)

    def check_size(self) -> None:
        """Refuse a network with too many parameters.

        Raises:
            OptionError: There are more than `MAX_PARAMETERS`.
        """
        if self.size > MAX_PARAMETERS:
            raise OptionError(
                f"a network of {self.size} parameters: expected at most {MAX_PARAMETERS} for Levenberg-Marquardt; use "
                "fewer neurons, or Adam"
            )

    @property
    def without_head(self) -> Layout:
        """Layout of the pre-activation of the output."""
        kinds, harmonics = self.layout.kinds.copy(), self.layout.harmonics.copy()
        kinds[-1], harmonics[-1] = IDENTITY, 0
        return self.layout._replace(kinds=kinds, harmonics=harmonics)

    def weight(self, theta: Floats, layer: int) -> Floats:
        """Return the weights of a layer, [neurons, inputs]: a view, or ones."""
        layout = self.layout
        shape = (int(layout.widths[layer + 1]), int(layout.widths[layer]))
        return np.ones(shape) if layout.weight[layer] < 0 else _view(theta, layout.weight[layer], shape)

    def bias(self, theta: Floats, layer: int) -> Floats:
        """Return the biases of a layer, [neurons]: a view, or zeros."""
        shape = (int(self.layout.widths[layer + 1]),)
        return np.zeros(shape) if self.layout.bias[layer] < 0 else _view(theta, self.layout.bias[layer], shape)

    def coefficients(self, theta: Floats, layer: int) -> Floats:
        """Return a view of the coefficients of a layer, [neurons, Q]; Q can be 0."""
        shape = (int(self.layout.widths[layer + 1]), int(self.layout.harmonics[layer]))
        return _view(theta, self.layout.coefficients[layer], shape)

    def to_network(self, architecture: Architecture, theta: Floats) -> Network:
        """Return the float32 network over scaled inputs."""
        layers = tuple(self._layer(theta, layer) for layer in range(len(self.layout.kinds)))
        zeros = (np.zeros(architecture.inputs, np.float32), np.zeros(architecture.units, np.float32))
        return Network(architecture.task, architecture.head, layers, *zeros)

    def _layer(self, theta: Floats, layer: int) -> Layer:
        parts = (self.weight(theta, layer), self.bias(theta, layer), self.coefficients(theta, layer))
        weight, bias, coefficients = (part.astype(np.float32) for part in parts)
        return Layer(weight, bias, coefficients if coefficients.size else None)


def _view(theta: Floats, start: int, shape: tuple[int, ...]) -> Floats:
    return theta[start : start + int(np.prod(shape))].reshape(shape)
