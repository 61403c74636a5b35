"""BatchedNetworks: several networks of one architecture in one PyTorch module, trained at the same time.

A step of many small networks takes little longer than a step of one.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from enn_models import cosine_series
from enn_models.network import Layer, Network
from enn_training.nn.activation import DCTActivation
from enn_training.nn.architecture import Architecture


class BatchedNetworks(nn.Module):
    """Compute several networks of one architecture, each with its own parameters, in one batch.

    A lane is the index of one of the networks.

    Attributes:
        weights: Weights W of each layer, [lanes, neurons, inputs].
        biases: Biases b of each layer, [lanes, 1, neurons].
        activations: Activation of each activated layer, over the neurons of all lanes.

    Args:
        architecture: Architecture of every network.
        starts: Initial networks over scaled inputs, one for each lane.
    """

    def __init__(self, architecture: Architecture, starts: Sequence[Network]) -> None:
        super().__init__()
        self.architecture, self.lanes = architecture, len(starts)
        layers = list(zip(*(lane.layers for lane in starts), strict=True))
        self.weights = nn.ParameterList(torch.from_numpy(np.stack([lane.weight for lane in lanes])) for lanes in layers)
        self.biases = nn.ParameterList(
            torch.from_numpy(np.stack([lane.bias[None] for lane in lanes])) for lanes in layers
        )
        learned = architecture.widths[1:] if architecture.head == "dct" else architecture.widths[1:-1]
        self.activations = nn.ModuleList(
            # The kernels compute in float32 on the CPU, whatever PyTorch's defaults are.
            DCTActivation(self.lanes * neurons, architecture.harmonics, device="cpu", dtype=torch.float32)
            for neurons in learned
        )
        for activation, lanes in zip(self.activations, layers, strict=False):
            coefficients = np.concatenate([lane.coefficients for lane in lanes])
            cast("DCTActivation", activation).coefficients.data.copy_(torch.from_numpy(coefficients))

    def forward(self, x: Tensor) -> Tensor:
        """Return the responses, [lanes, rows, units], to scaled inputs [lanes, rows, inputs]."""
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight.transpose(1, 2))
            if index < len(self.activations):
                lanes, rows, neurons = x.shape
                beside = x.transpose(0, 1).reshape(rows, lanes * neurons)
                x = self.activations[index](beside).view(rows, lanes, neurons).transpose(0, 1)
        return x

    def losses(self, x: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean loss of each lane, [lanes].

        Args:
            x: Scaled inputs, [lanes, rows, inputs].
            y: Targets, [lanes, rows, units].
            weight: Factor of the loss of each row, [lanes, rows], 1 on average; None for 1.
        """
        losses = self._losses(x, y)
        return (losses if weight is None else losses * weight[:, :, None]).mean((1, 2))

    def _losses(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the losses, [lanes, rows, units], or [lanes, rows, 1] of several classes."""
        response = self(x)
        if (level := self.architecture.quantile) is not None:
            return torch.maximum(level * (y - response), (level - 1.0) * (y - response))
        if self.architecture.loss == "squared":
            return (response - y).square()
        if self.architecture.units == 1:
            return nn.functional.binary_cross_entropy_with_logits(response, y, reduction="none")
        return -(y * response.log_softmax(2)).sum(2, keepdim=True)

    @torch.no_grad()
    def apply_decay(self, decay: Tensor, smoothing: Tensor) -> None:
        """Move every weight towards 0, and every DCT coefficient towards that of a line.

        A coefficient of harmonic q moves by 2q-1 times its share of the difference, at most the whole difference.

        Args:
            decay: Share by which the weights of each lane shrink, [lanes].
            smoothing: Share by which the coefficients of each lane move, [lanes].
        """
        for weight in self.weights:
            weight.mul_((1.0 - decay).clamp(min=0.0)[:, None, None])
        odd = torch.arange(1, 2 * self.architecture.harmonics, 2, device="cpu")
        line = torch.from_numpy(cosine_series.line(self.architecture.harmonics)).float()
        share = (smoothing[:, None] * odd).clamp(max=1.0)[:, None]
        for activation in self.activations:
            coefficients = cast("DCTActivation", activation).coefficients.view(self.lanes, -1, len(odd))
            coefficients.lerp_(line.expand_as(coefficients), share.expand_as(coefficients))

    def network(self, lane: int) -> Network:
        """Return a copy of one lane as a network over scaled inputs."""
        layers: list[Layer] = []
        for index, (_, neurons) in enumerate(pairwise(self.architecture.widths)):
            coefficients = None
            if index < len(self.activations):
                of_all = _array(cast("DCTActivation", self.activations[index]).coefficients)
                coefficients = of_all[lane * neurons : (lane + 1) * neurons].copy()
            layers.append(Layer(_array(self.weights[index][lane]), _array(self.biases[index][lane, 0]), coefficients))
        zeros = (np.zeros(self.architecture.inputs, np.float32), np.zeros(self.architecture.units, np.float32))
        return Network(self.architecture.task, self.architecture.head, tuple(layers), *zeros)


def _array(parameter: Tensor) -> NDArray[np.float32]:
    return parameter.detach().numpy().copy()
