"""The activation as s P(y): s = cos(theta), a polynomial P in y = cos(2 theta) for every neuron, theta = (pi/2)(z + 1).

The monomials of cos(2 theta) lose a bit of precision with every harmonic. `doublings` keeps it: with d of them P is
written in products of y_1 .. y_(d+1), the scaled cosines of 2 theta, 4 theta, 8 theta and so on.
"""

import numpy as np
from numpy.polynomial import chebyshev

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.errors import ExportError
from enn_training.publishing.onnx.graph.builder import Graph

AMPLIFICATION = 16.0
"""The most by which a polynomial may enlarge the rounding of float32, 6e-8: errors stay near 1e-6."""
TRIED = 64.0
"""The most with which one is tried, since few inputs meet the worst case: errors are measured before it is used."""
MAX_TERMS = 64
"""The most terms of a polynomial: the weight of product n grows as 4^n does, out of float32's range after these."""


def doubled(graph: Graph, cosine: str, count: int, neurons: int, scope: str) -> list[str]:
    """Append y_1 .. y_count, cosines of 2 theta, 4 theta, ... times `scale`: y_(k+1) = y_k^2 - scale(k+1)."""
    variables = [cosine]
    for k in range(1, count + 1):
        square = graph.node("Mul", [variables[-1], variables[-1]], f"{scope}/square{k}")
        variables.append(graph.shifted(square, -scale(k), neurons, f"{scope}/y{k}"))
    return variables[1:]


def term_count(coefficients: Floats) -> int:
    """Return how many terms P has: as many as there are harmonics up to the last in use, at least 1."""
    used = np.flatnonzero(coefficients.any(axis=0))
    return int(used[-1]) + 1 if len(used) else 1


def levels(terms: int, doublings: int) -> int:
    """Return how many of the variables y_1 .. y_(doublings+1) a polynomial of so many terms needs."""
    return min(doublings + 1, (terms - 1).bit_length())


def scale(k: int) -> float:
    """Return what the variable y_k is in units of cos(2^k theta): 1/2, 1/8, 1/128, ..."""
    return 2.0 ** (1 - 2**k)


def products(coefficients: Floats, doublings: int) -> Floats:
    """Return P, float64 [neurons, terms], with sigma = s sum_n P_n product_n; without zero harmonics on top.

    product_n is the product of y_(k+1) over the bits k < doublings of n, times y_(doublings+1)^(n >> doublings).

    Raises:
        ExportError: There are more than MAX_TERMS.

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
        k = last_factor(term, doublings)
        rows[term, : term + 1] = chebyshev.chebmul(
            rows[term - 2**k, : term - 2**k + 1], scale(k + 1) * np.eye(2**k + 1)[-1]
        )
    return np.linalg.solve(rows.T, (coefficients[:, :size] @ ratios).T).T.astype(np.float64)


def last_factor(term: int, doublings: int) -> int:
    """Return the k with product_term = product_(term - 2^k) y_(k+1), for a term from 1."""
    return min(term.bit_length() - 1, doublings)


def amplification(coefficients: Floats, doublings: int) -> float:
    """Return by how much the polynomial's terms exceed the activation's own coefficients, over all neurons.

    Rounding errors grow by it: 99 in the worst case for Q = 6 without doublings, less for coefficients that decay.
    """
    weights = products(coefficients, doublings)
    largest = np.ones(weights.shape[1])
    for term in range(1, len(largest)):
        k = last_factor(term, doublings)
        largest[term] = largest[term - 2**k] * scale(k + 1)
    own = np.abs(coefficients).sum(axis=1).max()
    return float((np.abs(weights) * largest).sum(axis=1).max() / own) if own else 0.0


def fewest_doublings(spectra: list[Floats], most: float = AMPLIFICATION) -> int:
    """Return the fewest doublings with which no spectrum's rounding grows by more than `most`; else all that help."""
    doublings, helpful = 0, levels(max(term_count(spectrum) for spectrum in spectra), MAX_TERMS) - 1
    while doublings < helpful and max(amplification(spectrum, doublings) for spectrum in spectra) > most:
        doublings += 1
    return doublings
