"""ENN: an Expressive Neural Network as a PyTorch module, converted to and from plain arrays."""

from dataclasses import replace
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from enn_models.network import Head, Layer, Network, Task
from enn_training.data.scaling import Scaling, fold
from enn_training.nn.activation import DCTActivation
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network


class ENN(nn.Module):
    """Compute an Expressive Neural Network of any depth: linear layers with learned activations.

    Args:
        inputs: Number of input columns.
        hidden: Number of neurons of each hidden layer.
        outputs: Number of output units; one for two classes.
        harmonics: Number of odd cosines Q of every activation.
        head: "dct" (as in the paper: the output units learn activations too) or "linear" (values or logits).
        task: "classification" or "regression".
        spread: Length g of the initial weights, the paper's dynamic range, > 0.

    Raises:
        OptionError: A size is out of its range.

    Source: arXiv 2307.00673; any depth as in arXiv 2511.03531.

    Example:
        >>> import torch
        >>> from enn_training import ENN
        >>> module = ENN(inputs=2, hidden=(6,), outputs=1, harmonics=6, task="regression")
        >>> module(torch.zeros(3, 2)).shape
        torch.Size([3, 1])
        >>> network = module.to_network()
        >>> network.respond([[0.5, -0.5]]).bumps.shape
        (1, 1, 6)
    """

    def __init__(
        self,
        inputs: int,
        hidden: tuple[int, ...] = (6,),
        outputs: int = 1,
        harmonics: int = 6,
        *,
        head: Head = "dct",
        task: Task = "classification",
        spread: float = 0.5,
    ) -> None:
        super().__init__()
        self.architecture = Architecture(inputs, tuple(hidden), outputs, harmonics, head, task)
        widths = self.architecture.widths
        self.linears = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        learned = widths[1:] if head == "dct" else widths[1:-1]
        self.activations = nn.ModuleList(DCTActivation(neurons, harmonics) for neurons in learned)
        self.input_offset: Tensor | None
        self.output_offset: Tensor | None
        self.register_buffer("input_offset", None)
        self.register_buffer("output_offset", None)
        self._copy(initial_network(self.architecture, spread))

    @classmethod
    def from_network(cls, network: Network) -> "ENN":
        """Return the module with the parameters of a network, bit for bit.

        The module takes the encoded columns of a row and returns the output before the link (sigmoid or softmax).
        `to_network` returns the network again, without its encoding.
        """
        same = Architecture.of(network)
        module = cls(same.inputs, same.hidden, same.units, same.harmonics, head=same.head, task=same.task)
        module._copy(network)
        for name in ("input_offset", "output_offset"):
            if getattr(network, name).any():
                module.register_buffer(name, torch.from_numpy(getattr(network, name).copy()))
        return module

    def to_network(self, inputs: Scaling | None = None, outputs: Scaling | None = None) -> Network:
        """Return the float32 network over raw rows.

        Args:
            inputs: Scaling of the rows that this module was trained on; None without scaling.
            outputs: Scaling of the targets of a regression; None without scaling.

        Raises:
            ValueError: A scaling is given, but the module was made from a network over raw rows.
        """
        architecture = self.architecture
        layers: list[Layer] = []
        for index, linear in enumerate(self._linears()):
            learned = index < len(self.activations)
            coefficients = _array(self._activation(index).coefficients) if learned else None
            layers.append(Layer(_array(linear.weight), _array(linear.bias), coefficients))
        zeros = (np.zeros(architecture.inputs, np.float32), np.zeros(architecture.units, np.float32))
        network = Network(architecture.task, architecture.head, tuple(layers), *zeros)
        offsets = {
            name: _array(offset)
            for name in ("input_offset", "output_offset")
            if (offset := getattr(self, name)) is not None
        }
        if offsets and not (inputs is None and outputs is None):
            raise ValueError(f"the module takes raw rows and has {', '.join(offsets)}: expected no scaling")
        return replace(fold(network, inputs or Scaling.identity(architecture.inputs), outputs), **offsets)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores or values (dct head), logits or values (linear head), [..., outputs], of x [..., inputs]."""
        if self.input_offset is not None:
            x = x - self.input_offset
        for index, linear in enumerate(self._linears()):
            x = linear(x)
            if index < len(self.activations):
                x = self._activation(index)(x)
        return x if self.output_offset is None else x + self.output_offset

    def _linears(self) -> list[nn.Linear]:
        return [cast("nn.Linear", linear) for linear in self.linears]

    def _activation(self, index: int) -> DCTActivation:
        return cast("DCTActivation", self.activations[index])

    def _copy(self, network: Network) -> None:
        """Copy the parameters of a network of the same architecture."""
        with torch.no_grad():
            for index, layer in enumerate(network.layers):
                linear = self._linears()[index]
                linear.weight.copy_(torch.from_numpy(layer.weight))
                linear.bias.copy_(torch.from_numpy(layer.bias))
                if layer.coefficients is not None:
                    self._activation(index).coefficients.copy_(torch.from_numpy(layer.coefficients))


def _array(parameter: Tensor) -> np.ndarray:
    return parameter.detach().cpu().to(torch.float32).numpy().copy()
