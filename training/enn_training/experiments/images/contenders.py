"""Networks that learn a picture: the ENN, and SIREN and ReLU networks with equally many parameters."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import torch
from torch import Tensor, nn

from enn_training.nn.module import ENN

INPUTS = 2
HIDDEN_FREQUENCY = 30.0
"""Frequency of a SIREN's deeper layers, as its authors choose it; the frequency of the first layer is tuned."""
VARIANTS_TRIED = 6
"""Number of pairs of learning rate and gain tried for each network."""


@dataclass(frozen=True)
class Contender:
    """Kind of network with the settings to try.

    Attributes:
        name: Name in the results.
        build: Function of hidden sizes, number of outputs and gain that returns a module, initialized by torch's
            generator.
        rates: Peak learning rates of Adam.
        gains: Scales of the frequencies in the first layer.
    """

    name: str
    build: Callable[[tuple[int, ...], int, float], nn.Module]
    rates: tuple[float, ...]
    gains: tuple[float, ...]

    @property
    def variants(self) -> tuple[tuple[float, float], ...]:
        """Pairs of learning rate and gain."""
        return tuple(product(self.rates, self.gains))


def contenders(harmonics: int) -> tuple[Contender, ...]:
    """Return the ENN and the other networks; rates and gains were tuned on scikit-learn's flower."""

    def enn(hidden: tuple[int, ...], outputs: int, gain: float) -> ENN:
        return initialize_for_images(ENN(INPUTS, hidden, outputs, harmonics, head="linear", task="regression"), gain)

    return (
        Contender("ENN", enn, (0.01, 0.02), (10.0, 15.0, 20.0)),
        Contender("SIREN", siren, (0.002, 0.003), (50.0, 70.0, 90.0)),
        Contender("ReLU", relu, (0.01, 0.03), (1.0, 3.0, 10.0)),
    )


def matching_widths(contender: Contender, hidden: tuple[int, ...], outputs: int, parameters: int) -> tuple[int, ...]:
    """Return the smallest hidden sizes with at least `parameters` parameters; every layer grows equally."""
    with torch.random.fork_rng():
        for more in range(parameters):
            wider = tuple(neurons + more for neurons in hidden)
            if count_parameters(contender.build(wider, outputs, 1.0)) >= parameters:
                return wider
    raise AssertionError("as many neurons as parameters have too few parameters")


def count_parameters(module: nn.Module) -> int:
    """Return the number of learned parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


@torch.no_grad()
def initialize_for_images(enn: ENN, gain: float) -> ENN:
    """Return an ENN initialized with sines, from which each neuron learns its own series.

    The paper's initialization, near-linear functions in evenly spread directions, does not reach most of a picture's
    frequencies (measured: 27 dB instead of 34). Every activation starts as its first harmonic, sin(pi z / 2);
    first-layer weights are uniform up to the gain, and deeper weights keep the pre-activations spread as in a SIREN.

    Source: initialization of SIREN, arXiv 2006.09661, section 3.2, for a period of 4.
    """
    *hidden, last = _linear_layers(enn)
    _uniform(hidden[0].weight, gain)
    _uniform(hidden[0].bias, 2.0)  # all phases
    for linear in hidden[1:]:
        _uniform(linear.weight, math.sqrt(6.0 / linear.in_features) * 2.0 / math.pi)
        _uniform(linear.bias, 0.1)
    _uniform(last.weight, math.sqrt(6.0 / last.in_features) / 10.0)
    last.bias.zero_()
    for parameter in enn.activations.parameters():
        parameter.zero_()
        parameter[:, 0] = -1.0
    return enn


@torch.no_grad()
def siren(hidden: tuple[int, ...], outputs: int, gain: float) -> nn.Sequential:
    """Return a SIREN whose first layer has the frequency `gain`.

    Source: arXiv 2006.09661, with its initialization.
    """
    module = _build_sequential(hidden, outputs, [_Sine(gain), *(_Sine(HIDDEN_FREQUENCY) for _ in hidden[1:])])
    first, *deeper = _linear_layers(module)
    _uniform(first.weight, 1.0 / first.in_features)
    for linear in deeper:
        _uniform(linear.weight, math.sqrt(6.0 / linear.in_features) / HIDDEN_FREQUENCY)
    return module


@torch.no_grad()
def relu(hidden: tuple[int, ...], outputs: int, gain: float) -> nn.Sequential:
    """Return a ReLU network with torch's initialization and the first layer multiplied by the gain."""
    module = _build_sequential(hidden, outputs, [nn.ReLU() for _ in hidden])
    first, *_ = _linear_layers(module)
    first.weight.mul_(gain)
    first.bias.mul_(gain)
    return module


class _Sine(nn.Module):
    """Sine activation with a fixed frequency."""

    def __init__(self, frequency: float) -> None:
        super().__init__()
        self.frequency = frequency

    def forward(self, z: Tensor) -> Tensor:
        return torch.sin(self.frequency * z)


def _build_sequential(hidden: tuple[int, ...], outputs: int, activations: list[nn.Module]) -> nn.Sequential:
    """Return linear layers with activations between them."""
    linears = [nn.Linear(*pair) for pair in pairwise((INPUTS, *hidden, outputs))]
    between: Iterator[nn.Module] = (part for pair in zip(linears, activations, strict=False) for part in pair)
    return nn.Sequential(*between, linears[-1])


def _linear_layers(module: nn.Module) -> list[nn.Linear]:
    """Return the linear layers of a module, from input to output."""
    return [part for part in module.modules() if isinstance(part, nn.Linear)]


def _uniform(parameter: Tensor, bound: float) -> None:
    """Fill a parameter with uniform random numbers in [-bound, bound]."""
    nn.init.uniform_(parameter, -bound, bound)
