"""Polynomial form of the activation: s P(y) with s = cos(theta) and a polynomial P in y = cos(2 theta) per neuron.

theta = (pi/2)(z + 1). Powers of cos(2 theta) lose a bit of precision with every harmonic. `doublings` avoids the loss:
with d doublings, P is a sum of products of y_1 .. y_(d+1), the scaled cosines of 2 theta, 4 theta, 8 theta and so on.
"""

import numpy as np
from numpy.polynomial import chebyshev

from enn_models.cosine_series import Floats
from enn_training.errors import ExportError
from enn_training.publishing.onnx.graph.builder import Graph

MAX_AMPLIFICATION = 16.0
"""Maximum factor by which a polynomial may amplify the rounding of float32, 6e-8: errors stay near 1e-6."""
MAX_TRIED_AMPLIFICATION = 64.0
"""Maximum factor for which an unrolling is tried: few inputs meet the worst case, and its error is measured before
use.
"""
MAX_TERMS = 64
"""Maximum number of terms of a polynomial: the weight of product n grows as 4^n and leaves the range of float32
beyond.
"""


def add_doubled_cosines(graph: Graph, cosine: str, count: int, neurons: int, scope: str) -> list[str]:
    """Append y_1 .. y_count, scaled cosines of 2 theta, 4 theta, ..., by y_(k+1) = y_k^2 - variable_scale(k+1)."""
    variables = [cosine]
    for k in range(1, count + 1):
        square = graph.add_node("Mul", [variables[-1], variables[-1]], f"{scope}/square{k}")
        variables.append(graph.add_offset(square, -variable_scale(k), neurons, f"{scope}/y{k}"))
    return variables[1:]


def term_count(coefficients: Floats) -> int:
    """Return the number of terms of P: the highest harmonic used by any neuron, at least 1."""
    used = np.flatnonzero(coefficients.any(axis=0))
    return int(used[-1]) + 1 if len(used) else 1


def variable_count(terms: int, doublings: int) -> int:
    """Return the number of variables among y_1 .. y_(doublings+1) that a polynomial of `terms` terms needs."""
    return min(doublings + 1, (terms - 1).bit_length())


def variable_scale(k: int) -> float:
    """Return the factor of cos(2^k theta) in the variable y_k: 1/2, 1/8, 1/128, ..."""
    return 2.0 ** (1 - 2**k)


def polynomial_weights(coefficients: Floats, doublings: int) -> Floats:
    """Return the weights P of the products, without trailing harmonics that are zero.

    sigma = s sum_n P_n product_n, where product_n is the product of y_(k+1) over the bits k < doublings of n, times
    y_(doublings+1)^(n >> doublings).

    Args:
        coefficients: DCT coefficients F, float64 [neurons, Q].
        doublings: Number of doublings.

    Returns:
        Weights, float64 [neurons, terms].

    Raises:
        ExportError: There are more than MAX_TERMS terms.

    Source: cos((2q+1) theta)/cos(theta) = 2 T_q - 2 T_(q-1) + ... in Chebyshev polynomials T of cos(2 theta).
    """
    size = term_count(coefficients)
    if size > MAX_TERMS:
        raise ExportError(
            f"{size} harmonics: a polynomial takes at most {MAX_TERMS}; expected unrolling direct, spectral or clenshaw"
        )
    q, n = np.arange(size)[:, None], np.arange(size)
    ratios = np.where(n <= q, 2.0 * (-1.0) ** (q - n), 0.0)
    ratios[:, 0] /= 2.0
    rows = np.zeros((size, size))
    rows[0, 0] = 1.0
    for term in range(1, size):
        k = last_variable(term, doublings)
        rows[term, : term + 1] = chebyshev.chebmul(
            rows[term - 2**k, : term - 2**k + 1], variable_scale(k + 1) * np.eye(2**k + 1)[-1]
        )
    return np.linalg.solve(rows.T, (coefficients[:, :size] @ ratios).T).T.astype(np.float64)


def last_variable(term: int, doublings: int) -> int:
    """Return the k with product_term = product_(term - 2^k) y_(k+1), for a term from 1."""
    return min(term.bit_length() - 1, doublings)


def rounding_amplification(coefficients: Floats, doublings: int) -> float:
    """Return the ratio of the polynomial's terms to the coefficients of the activation, the largest over all neurons.

    Rounding errors grow by this factor: 99 in the worst case for Q = 6 without doublings, less for decaying
    coefficients.
    """
    weights = polynomial_weights(coefficients, doublings)
    largest = np.ones(weights.shape[1])
    for term in range(1, len(largest)):
        k = last_variable(term, doublings)
        largest[term] = largest[term - 2**k] * variable_scale(k + 1)
    own = np.abs(coefficients).sum(axis=1).max()
    return float((np.abs(weights) * largest).sum(axis=1).max() / own) if own else 0.0


def fewest_doublings(spectra: list[Floats], most: float = MAX_AMPLIFICATION) -> int:
    """Return the smallest number of doublings with an amplification of at most `most` for all layers.

    If no number suffices, return the largest number that still makes a difference.
    """
    doublings, helpful = 0, variable_count(max(term_count(spectrum) for spectrum in spectra), MAX_TERMS) - 1
    while doublings < helpful and max(rounding_amplification(spectrum, doublings) for spectrum in spectra) > most:
        doublings += 1
    return doublings
