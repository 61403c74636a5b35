"""Networks compared with the ENN: fixed activations, and a KAN with a learned polynomial on every edge."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import torch
from torch import Tensor

INPUTS = 2
DEGREE = 7
"""Degree of the KAN's polynomials: with three hidden neurons the KAN has 67 parameters, as the ENN."""


@dataclass(frozen=True)
class Peer:
    """Network with one hidden layer, evaluated as a batch of networks: W2 hidden_map(gain (W1 input_map(x) + b1)) + b2.

    Attributes:
        kind: Name of the activation or architecture.
        hidden: Number of hidden neurons.
        input_map: Map from inputs [networks, 2, rows] to the operand of W1, [networks, features, rows].
        hidden_map: Map from pre-activations [networks, hidden, rows] to the operand of W2.
        rates: Peak learning rates of Adam to try.
        gains: Factors of the pre-activations to try with each rate (w0 of a SIREN).
        starts: Number of random initializations of each pair.
        batch: Rows per step.
        note: Suffix of the name that distinguishes networks of equal kind and size.
    """

    kind: str
    hidden: int
    input_map: Callable[[Tensor], Tensor]
    hidden_map: Callable[[Tensor], Tensor]
    rates: tuple[float, ...]
    gains: tuple[float, ...]
    starts: int = 2
    batch: int = 256
    note: str = ""

    @property
    def name(self) -> str:
        """Name in the results."""
        return f"{self.kind.lower()}-{self.hidden}" + (f"-{self.note}" if self.note else "")

    @property
    def variants(self) -> tuple[tuple[float, float], ...]:
        """Learning rate and gain of every network tried."""
        return tuple(pair for pair in product(self.rates, self.gains) for _ in range(self.starts))

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes of W1, b1, W2 and b2."""
        inputs = self.input_map(torch.zeros(1, INPUTS, 1)).shape[1]
        hidden = self.hidden_map(torch.zeros(1, self.hidden, 1)).shape[1]
        return (self.hidden, inputs), (self.hidden, 1), (1, hidden), (1, 1)

    @property
    def parameters(self) -> int:
        """Number of learned parameters of one network."""
        return sum(self._sizes)

    def start(self, generators: list[torch.Generator]) -> Tensor:
        """Return the default initialization of torch, uniform up to 1/sqrt(fan-in).

        Args:
            generators: One generator per network.

        Returns:
            Parameters, [networks, p].
        """
        (_, inputs), _, (_, hidden), _ = self.shapes
        bounds = torch.tensor([inputs, inputs, hidden, hidden]).rsqrt()
        bound = bounds.repeat_interleave(torch.tensor(self._sizes))
        return torch.stack([bound * (2 * torch.rand(len(bound), generator=generator) - 1) for generator in generators])

    def layers(self, parameters: Tensor) -> tuple[Tensor, ...]:
        """Return views W1, b1, W2, b2, each [networks, rows, columns], of parameters [networks, p]."""
        parts = zip(parameters.split(self._sizes, dim=1), self.shapes, strict=True)
        return tuple(part.unflatten(1, shape) for part, shape in parts)

    def respond(self, parameters: Tensor, gain: Tensor, x: Tensor) -> Tensor:
        """Return the response of every network of a batch.

        Args:
            parameters: Parameters, [networks, p].
            gain: Factors of the pre-activations, [networks, 1, 1].
            x: Inputs in [-1, 1], [networks, 2, rows].

        Returns:
            Values, or logits of the second class, [networks, rows].
        """
        w1, b1, w2, b2 = self.layers(parameters)
        z = torch.baddbmm(b1, w1, self.input_map(x))
        return torch.baddbmm(b2, w2, self.hidden_map(gain * z)).squeeze(1)

    @cached_property
    def _sizes(self) -> list[int]:
        """Number of parameters of W1, b1, W2 and b2."""
        return [math.prod(shape) for shape in self.shapes]


def tuned_peers(hidden: int) -> tuple[Peer, ...]:
    """Return the networks of fixed activations with the learning rates and gains that were best in a search."""
    return (
        Peer("ReLU", hidden, _identity, torch.relu, (0.03, 0.1), (1.0, 3.0, 10.0)),
        Peer("tanh", hidden, _identity, torch.tanh, (0.03, 0.1), (1.0, 3.0, 10.0)),
        Peer("sigmoid", hidden, _identity, torch.sigmoid, (0.1, 0.3), (1.0, 3.0, 10.0)),
        Peer("sine", hidden, _identity, torch.sin, (0.03, 0.1), (3.0, 10.0, 30.0)),
    )


def kan_peer(hidden: int) -> Peer:
    """Return the Chebyshev KAN: a learned polynomial on every edge, of the inputs or of tanh of the hidden sums.

    Source: the Chebyshev form (arXiv 2405.07200) of Kolmogorov-Arnold networks (arXiv 2404.19756).
    """
    return Peer("KAN", hidden, chebyshev_terms, lambda z: chebyshev_terms(torch.tanh(z)), (0.03, 0.1, 0.3), (1.0, 3.0))


def untuned_peers(hidden: int) -> tuple[Peer, ...]:
    """Return the same networks without tuning: Adam's default learning rate, no gain, one initialization."""
    return tuple(replace(peer, rates=(1e-3,), gains=(1.0,), starts=1, note="plain") for peer in tuned_peers(hidden))


def with_more_steps(peer: Peer) -> Peer:
    """Return a network that takes four times as many steps in equally many passes."""
    return replace(peer, batch=peer.batch // 4, note="longer")


def chebyshev_terms(x: Tensor) -> Tensor:
    """Return T1..T7 of every value: [networks, values, rows] to [networks, 7 values, rows]."""
    before, now = torch.ones_like(x), x
    terms = [now]
    for _ in range(DEGREE - 1):
        before, now = now, 2 * x * now - before
        terms.append(now)
    return torch.cat(terms, dim=1)


def _identity(x: Tensor) -> Tensor:
    """Return the tensor unchanged."""
    return x
