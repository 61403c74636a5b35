"""Families of networks of about 67 parameters, with the initial networks that each is searched from."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_training.kernels.basis import CHEBYSHEV, COSINES, IDENTITY, RELU, SIGMOID, SINE, TANH
from enn_training.learners.levenberg_marquardt import initialization
from enn_training.learners.levenberg_marquardt.parameters import Parameters

Floats = NDArray[np.float64]
Draw = Callable[[Parameters, float, np.random.Generator], Floats]
DEGREE = 7
"""Degree of the KAN's polynomials."""


@dataclass(frozen=True)
class Family:
    """Describe networks of one hidden layer.

    Attributes:
        name: Name in the results.
        label: Name in the page.
        hidden: Number of hidden neurons.
        kind: Kind of the hidden activations, as in `kernels.basis`.
        harmonics: Number of coefficients of each hidden neuron.
        gains: Least and greatest typical length of the initial weights; the second half of the initial networks is
            drawn near the gains that did best.
        draw: Function that draws initial parameters with a gain.
        head: Number of coefficients of the output's activation; 0 for a linear head.
        degree: Degree of the Chebyshev polynomials of the inputs that enter the network; 1 for the inputs themselves.
    """

    name: str
    label: str
    hidden: int
    kind: int
    harmonics: int
    gains: tuple[float, float]
    draw: Draw
    head: int = 0
    degree: int = 1

    @property
    def parameters(self) -> Parameters:
        """Places of the parameters; output weights that coefficients absorb have none."""
        kinds = (self.kind, COSINES if self.head else IDENTITY)
        return Parameters.of((2 * self.degree, self.hidden, 1), kinds, (self.harmonics, self.head))

    def enter(self, x: Floats) -> Floats:
        """Return what enters the network, [features, rows], for inputs [rows, 2]."""
        angle = np.arccos(np.clip(x.T, -1.0, 1.0))
        return x.T if self.degree == 1 else np.concatenate([np.cos(n * angle) for n in range(1, self.degree + 1)])


def _draw_fixed(parameters: Parameters, gain: float, rng: np.random.Generator) -> Floats:
    """Return random directions, with biases by which every neuron changes within the square."""
    theta = np.zeros(parameters.size)
    weight = parameters.weight(theta, 0)
    lengths = gain * np.exp(rng.normal(0.0, initialization.SPREAD, len(weight)))
    directions = rng.normal(size=weight.shape)
    weight[:] = directions / np.linalg.norm(directions, axis=1, keepdims=True) * lengths[:, None]
    periodic = parameters.layout.kinds[0] == SINE
    parameters.bias(theta, 0)[:] = rng.uniform(-1.0, 1.0, len(weight)) * (math.pi if periodic else lengths)
    return theta


def _draw_kan(parameters: Parameters, gain: float, rng: np.random.Generator) -> Floats:
    """Return random polynomials of the inputs, the smaller the higher their degree."""
    theta = np.zeros(parameters.size)
    weight = parameters.weight(theta, 0)
    lengths = gain * np.exp(rng.normal(0.0, initialization.SPREAD, len(weight)))
    terms = rng.normal(size=weight.shape) / np.repeat(np.arange(1, DEGREE + 1), 2)
    weight[:] = terms / np.linalg.norm(terms, axis=1, keepdims=True) * lengths[:, None]
    parameters.bias(theta, 0)[:] = rng.uniform(-0.5, 0.5, len(weight)) * lengths
    return theta


_ENN_GAINS = (0.316, 3.16)
FAMILIES = (
    Family("enn-dct", "ENN, dct head, Q = 6", 6, COSINES, 6, _ENN_GAINS, initialization.draw, head=6),
    Family("enn-linear", "ENN, linear head, Q = 8", 6, COSINES, 8, _ENN_GAINS, initialization.draw),
    Family("kan", "KAN 2-3-1", 3, CHEBYSHEV, DEGREE, (0.2, 2.0), _draw_kan, degree=DEGREE),
    Family("sine", "sine 2-17-1", 17, SINE, 0, (1.0, 40.0), _draw_fixed),
    Family("tanh", "tanh 2-17-1", 17, TANH, 0, (0.7, 10.0), _draw_fixed),
    Family("sigmoid", "sigmoid 2-17-1", 17, SIGMOID, 0, (1.4, 20.0), _draw_fixed),
    Family("relu", "ReLU 2-17-1", 17, RELU, 0, (1.0, 10.0), _draw_fixed),
)
"""Families compared; the first two are ours."""
OURS = ("enn-dct", "enn-linear")
