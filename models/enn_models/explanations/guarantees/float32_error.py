"""Bound of the difference between a network in exact arithmetic and its graph in float32.

The graph of a network is an unrolling of its activations. Whichever unrolling a file has, each step is a sum of
products and each bound below is that of a sum in any order: a sum of n products has a relative error of at most
n u / (1 - n u) of the sum of their sizes, u = 2^-24. In units of u, with s the inputs of a layer:

- z is off by (n + Z_STEPS) (|W| |s| + |b| + 1). Z_STEPS counts what is rounded besides the n products: the offset that
  is subtracted from a column, the weight with the factors that are folded into it, the phase, the reduction to one
  period or turn, and the product of an angle.
- sigma is off by its largest slope times the error of z, and by (SERIES_STEPS + Q^2) sum |F|. Q^2 covers recurrences
  (Clenshaw). SERIES_STEPS covers a polynomial in a cosine, whose roundings the exporter accepts up to an amplification
  of 64, four for each product.
- An output sum has n Q products if the coefficients are folded into its weights.

The computation of the bounds themselves is in float64. Its roundings are 2^-29 of these, so the steps cover them.

Source: Higham, "Accuracy and Stability of Numerical Algorithms", 2002, lemma 3.1 and section 3.1.
"""

from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.activation_ranges import ActivationRanges
from enn_models.network import Network

UNIT = 2.0**-24
"""Largest relative error of a rounding to float32."""
Z_STEPS = 16
SERIES_STEPS = 256
MAX_RELATIVE = 0.5
"""Largest n u for which the bound of a sum is used; a layer with more than eight million inputs exceeds it."""


@dataclass(frozen=True, eq=False)
class Float32Error:
    """Largest differences between the values of a network and those of its graph in float32.

    Attributes:
        hidden: Difference of each z, float64 [neurons] for each hidden layer.
        activations: Difference of each activation of the last hidden layer, float64 [neurons].
        units: Difference of each output pre-activation, float64 [units].
        responses: Difference of each output of a dct head at a given pre-activation, float64 [units]; 0 otherwise.
    """

    hidden: list[Floats]
    activations: Floats
    units: Floats
    responses: Floats


def float32_error(network: Network, ranges: list[ActivationRanges], columns: Floats, errors: Floats) -> Float32Error:
    """Bound the error of the graph for all columns up to a size.

    Args:
        network: Network of any depth.
        ranges: Ranges of each hidden layer, and of the output layer of a dct head.
        columns: Largest size of each column after the offset, with that of the offset, float64 [columns].
        errors: Error of each column itself, float64 [columns].
    """
    size, error = columns, errors
    hidden: list[Floats] = []
    for layer, activation in zip(network.layers[:-1], ranges, strict=False):
        weight, harmonics = np.abs(layer.weight.astype(np.float64)), network.spectrum.shape[1]
        # From the second layer on, a read-out of each harmonic may be folded into the weights.
        steps = _relative(len(size) * (harmonics if hidden else 1) + Z_STEPS)
        hidden.append(weight @ error + steps * (weight @ size + np.abs(layer.bias) + 1.0))
        size = activation.amplitude
        error = activation.slope * hidden[-1] + _series(size, harmonics)
    last, weight = network.layers[-1], np.abs(network.layers[-1].weight.astype(np.float64))
    steps = _relative(len(size) * network.spectrum.shape[1] + Z_STEPS)
    units = weight @ error + steps * (weight @ size + np.abs(last.bias) + 1.0)
    responses = np.zeros_like(units)
    if last.coefficients is not None:
        head = ranges[-1]
        offset = np.abs(network.output_offset.astype(np.float64))
        responses = _series(head.amplitude, last.coefficients.shape[1]) + _relative(Z_STEPS) * (head.amplitude + offset)
    return Float32Error(hidden, error, units, responses)


def _series(amplitude: Floats, harmonics: int) -> Floats:
    """Return the error of a series at exact angles, for each neuron."""
    return _relative(SERIES_STEPS + harmonics**2) * amplitude


def _relative(steps: int) -> float:
    """Return the largest relative error of a sum of this many products, infinite if the bound does not exist."""
    product = steps * UNIT
    return product / (1.0 - product) if product <= MAX_RELATIVE else float("inf")
