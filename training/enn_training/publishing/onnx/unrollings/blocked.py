"""Blocked: Folded with convolutions, which ONNX Runtime computes in blocks of neurons and joins with the sums around.

A convolution of one value and one channel is an affine map per neuron: as BatchNormalization is, but vectorised as the
products of matrices are. Its result stays as convolutions ask: the affine map that follows is a convolution too.
"""

from dataclasses import dataclass

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.unrollings.folded import Folded

BLOCK = 16
"""Neurons of a block on a processor with AVX-512; half of it and a quarter elsewhere, which divide it."""


@dataclass(frozen=True)
class Blocked(Folded):
    """Folded in blocks; a layer that does not fill them, or is in float64, stays folded."""

    @property
    def name(self) -> str:
        """Return blocked, then the doublings if there are any."""
        return f"blocked-{self.doublings}" if self.doublings else "blocked"

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append the cosine and the polynomial."""
        blocks = fills(coefficients) and not graph.double
        return super().features(graph.convolving() if blocks else graph, arguments, coefficients, scope)


def fills(coefficients: Floats) -> bool:
    """Whether the neurons of DCT coefficients, [neurons, Q], fill whole blocks."""
    return len(coefficients) % BLOCK == 0
