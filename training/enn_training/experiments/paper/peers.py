"""What the ENN is held against: networks of fixed activations, and a KAN, whose edges carry a learned series each."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import torch
from torch import Tensor

INPUTS = 2
DEGREE = 7
"""Of the KAN's polynomials: with three hidden neurons it has the 67 parameters of the ENN."""


@dataclass(frozen=True)
class Peer:
    """One hidden layer, many networks of it in one stack: W2 leave(gain (W1 enter(x) + b1)) + b2.

    Attributes:
        kind: What its neurons are called.
        hidden: Neurons of the hidden layer.
        enter: From inputs [networks, 2, rows] to what W1 meets, [networks, features, rows].
        leave: From pre-activations [networks, hidden, rows] to what W2 meets.
        rates: Highest steps of Adam that are tried.
        gains: Factors of the pre-activations that are tried with each (the w0 of a SIREN).
        starts: Random starts of each pair.
        batch: Rows a step.
        note: What sets it apart from others of its kind and size.
    """

    kind: str
    hidden: int
    enter: Callable[[Tensor], Tensor]
    leave: Callable[[Tensor], Tensor]
    rates: tuple[float, ...]
    gains: tuple[float, ...]
    starts: int = 2
    batch: int = 256
    note: str = ""

    @property
    def name(self) -> str:
        """What results call it."""
        return f"{self.kind.lower()}-{self.hidden}" + (f"-{self.note}" if self.note else "")

    @property
    def variants(self) -> tuple[tuple[float, float], ...]:
        """A rate and a gain for every network that is tried."""
        return tuple(pair for pair in product(self.rates, self.gains) for _ in range(self.starts))

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes of W1, b1, W2 and b2."""
        entering = self.enter(torch.zeros(1, INPUTS, 1)).shape[1]
        leaving = self.leave(torch.zeros(1, self.hidden, 1)).shape[1]
        return (self.hidden, entering), (self.hidden, 1), (1, leaving), (1, 1)

    @property
    def parameters(self) -> int:
        """The number of learned parameters of one network."""
        return sum(self._sizes)

    def start(self, generators: list[torch.Generator]) -> Tensor:
        """Return torch's usual start, uniform up to 1/sqrt(what enters): one network a generator, [networks, p]."""
        (_, entering), _, (_, leaving), _ = self.shapes
        bounds = torch.tensor([entering, entering, leaving, leaving]).rsqrt()
        bound = bounds.repeat_interleave(torch.tensor(self._sizes))
        return torch.stack([bound * (2 * torch.rand(len(bound), generator=one) - 1) for one in generators])

    def layers(self, parameters: Tensor) -> tuple[Tensor, ...]:
        """Return views W1, b1, W2, b2, each [networks, rows, columns], of parameters [networks, p]."""
        parts = zip(parameters.split(self._sizes, dim=1), self.shapes, strict=True)
        return tuple(part.unflatten(1, shape) for part, shape in parts)

    def respond(self, parameters: Tensor, gain: Tensor, x: Tensor) -> Tensor:
        """Return the response of every network of a stack.

        Args:
            parameters: [networks, p].
            gain: [networks, 1, 1].
            x: Inputs in [-1, 1], [networks, 2, rows].

        Returns:
            Values, or logits of the second class, [networks, rows].
        """
        w1, b1, w2, b2 = self.layers(parameters)
        z = torch.baddbmm(b1, w1, self.enter(x))
        return torch.baddbmm(b2, w2, self.leave(gain * z)).squeeze(1)

    @cached_property
    def _sizes(self) -> list[int]:
        return [math.prod(shape) for shape in self.shapes]


def tuned(hidden: int) -> tuple[Peer, ...]:
    """Return the networks of fixed activations with the steps and gains that were best when they were looked for."""
    return (
        Peer("ReLU", hidden, _same, torch.relu, (0.03, 0.1), (1.0, 3.0, 10.0)),
        Peer("tanh", hidden, _same, torch.tanh, (0.03, 0.1), (1.0, 3.0, 10.0)),
        Peer("sigmoid", hidden, _same, torch.sigmoid, (0.1, 0.3), (1.0, 3.0, 10.0)),
        Peer("sine", hidden, _same, torch.sin, (0.03, 0.1), (3.0, 10.0, 30.0)),
    )


def kan(hidden: int) -> Peer:
    """Return the Chebyshev KAN: on every edge a learned polynomial, of the inputs or of tanh of the hidden sums.

    Source: the Chebyshev form (arXiv 2405.07200) of Kolmogorov-Arnold networks (arXiv 2404.19756).
    """
    return Peer("KAN", hidden, chebyshev, lambda z: chebyshev(torch.tanh(z)), (0.03, 0.1, 0.3), (1.0, 3.0))


def plain(hidden: int) -> tuple[Peer, ...]:
    """Return the same networks as a first try has them: Adam's usual step, no gain, one start, nothing chosen."""
    return tuple(replace(peer, rates=(1e-3,), gains=(1.0,), starts=1, note="plain") for peer in tuned(hidden))


def longer(peer: Peer) -> Peer:
    """Return a peer that takes four times the steps in as many passes."""
    return replace(peer, batch=peer.batch // 4, note="longer")


def chebyshev(x: Tensor) -> Tensor:
    """Return T1..T7 of every value: [networks, values, rows] to [networks, 7 values, rows]."""
    before, now = torch.ones_like(x), x
    terms = [now]
    for _ in range(DEGREE - 1):
        before, now = now, 2 * x * now - before
        terms.append(now)
    return torch.cat(terms, dim=1)


def _same(x: Tensor) -> Tensor:
    return x
