"""Who learns a picture: the ENN, and networks of sines and of ReLUs with as many parameters."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import torch
from torch import Tensor, nn

from enn_training.nn.module import ENN

INPUTS = 2
HIDDEN_FREQUENCY = 30.0
"""Of a SIREN's deeper layers, as its authors have it; that of the first is tuned."""
TRIED = 6
"""Pairs of a rate and a gain that each contender may try."""


@dataclass(frozen=True)
class Contender:
    """A kind of network with what is tried for it.

    Attributes:
        name: What results call it.
        build: From the neurons of each hidden layer, outputs and a gain to a module, by torch's generator.
        rates: Highest steps of Adam.
        gains: How high the frequencies of the first layer begin.
    """

    name: str
    build: Callable[[tuple[int, ...], int, float], nn.Module]
    rates: tuple[float, ...]
    gains: tuple[float, ...]

    @property
    def variants(self) -> tuple[tuple[float, float], ...]:
        """Pairs of a rate and a gain."""
        return tuple(product(self.rates, self.gains))


def contenders(harmonics: int) -> tuple[Contender, ...]:
    """Return the ENN and its peers; rates and gains are those that did best around them on scikit-learn's flower."""

    def enn(hidden: tuple[int, ...], outputs: int, gain: float) -> ENN:
        return begun(ENN(INPUTS, hidden, outputs, harmonics, head="linear", task="regression"), gain)

    return (
        Contender("ENN", enn, (0.01, 0.02), (10.0, 15.0, 20.0)),
        Contender("SIREN", siren, (0.002, 0.003), (50.0, 70.0, 90.0)),
        Contender("ReLU", relu, (0.01, 0.03), (1.0, 3.0, 10.0)),
    )


def widths(contender: Contender, hidden: tuple[int, ...], outputs: int, parameters: int) -> tuple[int, ...]:
    """Return the fewest neurons a layer, equal additions to each of hidden, that have at least so many parameters."""
    with torch.random.fork_rng():
        for more in range(parameters):
            wider = tuple(neurons + more for neurons in hidden)
            if count(contender.build(wider, outputs, 1.0)) >= parameters:
                return wider
    raise AssertionError("as many neurons as parameters have too few parameters")


def count(module: nn.Module) -> int:
    """Return the number of learned parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


@torch.no_grad()
def begun(enn: ENN, gain: float) -> ENN:
    """Return an ENN with a start for pictures: sines, from which each neuron learns its own series.

    The paper's start, near-lines in evenly spread directions, leaves most of a picture's frequencies out of reach
    (measured: 27 dB where this has 34). So every activation is its first harmonic, sin(pi z / 2), first-layer weights
    are uniform up to the gain, and deeper ones such that pre-activations stay spread as a SIREN's do.

    Source: the start of SIREN, arXiv 2006.09661, section 3.2, over a period of 4.
    """
    *hidden, last = _linears(enn)
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
    """Return a SIREN whose first layer has the frequency gain.

    Source: arXiv 2006.09661, with its start.
    """
    module = _layered(hidden, outputs, [_Sine(gain), *(_Sine(HIDDEN_FREQUENCY) for _ in hidden[1:])])
    first, *deeper = _linears(module)
    _uniform(first.weight, 1.0 / first.in_features)
    for linear in deeper:
        _uniform(linear.weight, math.sqrt(6.0 / linear.in_features) / HIDDEN_FREQUENCY)
    return module


@torch.no_grad()
def relu(hidden: tuple[int, ...], outputs: int, gain: float) -> nn.Sequential:
    """Return a ReLU network with torch's start, its first layer times the gain."""
    module = _layered(hidden, outputs, [nn.ReLU() for _ in hidden])
    first, *_ = _linears(module)
    first.weight.mul_(gain)
    first.bias.mul_(gain)
    return module


class _Sine(nn.Module):
    def __init__(self, frequency: float) -> None:
        super().__init__()
        self.frequency = frequency

    def forward(self, z: Tensor) -> Tensor:
        return torch.sin(self.frequency * z)


def _layered(hidden: tuple[int, ...], outputs: int, activations: list[nn.Module]) -> nn.Sequential:
    linears = [nn.Linear(*pair) for pair in pairwise((INPUTS, *hidden, outputs))]
    between: Iterator[nn.Module] = (part for pair in zip(linears, activations, strict=False) for part in pair)
    return nn.Sequential(*between, linears[-1])


def _linears(module: nn.Module) -> list[nn.Linear]:
    return [part for part in module.modules() if isinstance(part, nn.Linear)]


def _uniform(parameter: Tensor, bound: float) -> None:
    nn.init.uniform_(parameter, -bound, bound)
