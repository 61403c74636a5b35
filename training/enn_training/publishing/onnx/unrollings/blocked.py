"""Blocked unrolling: the folded unrolling written with convolutions.

ONNX Runtime computes convolutions in blocks of neurons and fuses the sums around them. A convolution of one value and
one channel is an affine map per neuron, as BatchNormalization is, but vectorized like a matrix product. Its result
stays in NCHW layout, and the affine map that follows is a convolution too.
"""

from dataclasses import dataclass

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.unrollings.folded import Folded

BLOCK_NEURONS = 16
"""Neurons per block on a processor with AVX-512; other processors use 8 or 4, which divide it."""


@dataclass(frozen=True)
class Blocked(Folded):
    """Folded unrolling in blocks; layers that do not fill blocks, or compute in float64, are folded as usual."""

    @property
    def name(self) -> str:
        """Return "blocked", with the number of doublings if there are any."""
        return f"blocked-{self.doublings}" if self.doublings else "blocked"

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append the cosine and the polynomial."""
        blocks = fills_blocks(coefficients) and not graph.float64
        return super().features(graph.with_convolutions() if blocks else graph, arguments, coefficients, scope)


def fills_blocks(coefficients: Floats) -> bool:
    """Return True if the neurons of the coefficients, [neurons, Q], fill whole blocks."""
    return len(coefficients) % BLOCK_NEURONS == 0
