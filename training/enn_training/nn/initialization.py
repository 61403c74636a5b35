"""Initial networks: the authors' deterministic weights, for any number of inputs, layers and outputs."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.network import Layer, Network
from enn_training.nn.architecture import Architecture

Floats = NDArray[np.float64]
MAX_SQUARE = 128
"""Largest number of inputs for which a square matrix is drawn, so that published models can be learned again."""


def initial_network(architecture: Architecture, spread: float = 0.5) -> Network:
    """Return the initial network of an architecture.

    Every activation is the best approximation of a line. Hidden weights are directions spread evenly over the half
    sphere, output weights alternate in sign, and biases are 0.

    Args:
        architecture: Architecture of the network.
        spread: Length g of the weights, the paper's dynamic range, > 0; a larger one reaches higher frequencies.

    Returns:
        Network over inputs scaled to [-1, 1].

    Source: the authors' notebooks; two inputs are theirs, other numbers follow the same idea.
    """
    widths = architecture.widths
    line = cosine_series.line(architecture.harmonics)
    layers: list[Layer] = []
    for inputs, neurons in pairwise(widths):
        last = len(layers) == len(architecture.hidden)
        directions = _alternating(neurons, inputs) if last else _half_sphere(neurons, inputs)
        weight, bias = (spread * directions[:, :inputs]), np.zeros(neurons)
        if directions.shape[1] > inputs:
            bias = spread * directions[:, inputs]
        coefficients = None if last and architecture.head == "linear" else np.tile(np.float32(line), (neurons, 1))
        layers.append(Layer(weight.astype(np.float32), bias.astype(np.float32), coefficients))
    zeros = (np.zeros(widths[0], np.float32), np.zeros(widths[-1], np.float32))
    return Network(architecture.task, architecture.head, tuple(layers), *zeros)


def _half_sphere(neurons: int, inputs: int) -> Floats:
    """Return unit vectors, [neurons, inputs], no two of them parallel or antiparallel if that is possible.

    A single input has one direction only. Its bias is the second axis then: shape [neurons, 2].
    """
    if inputs <= 2:
        angle = np.arange(neurons) * np.pi / neurons
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    # In more dimensions, blocks of orthogonal directions are spread most evenly. The seed is fixed, since the initial
    # weights are part of the method and not of the experiment.
    rng = np.random.default_rng(0)
    sizes = [min(inputs, neurons - first) for first in range(0, neurons, inputs)]
    # The first columns of Q follow from as many columns of the matrix.
    matrices = [rng.normal(size=(inputs, inputs if inputs <= MAX_SQUARE else size))[:, :size] for size in sizes]
    directions = np.concatenate([np.linalg.qr(matrix)[0].T for matrix in matrices])
    return directions * np.where(directions[:, :1] < 0, -1.0, 1.0)


def _alternating(units: int, neurons: int) -> Floats:
    """Return the output signs +1, -1, +1, ..., [units, neurons], shifted by one neuron for each unit."""
    signs = np.where(np.arange(neurons) % 2, -1.0, 1.0)
    if neurons % 2 and neurons > 1:
        signs[-2:] = -0.5
    return np.stack([np.roll(signs, unit) for unit in range(units)])
