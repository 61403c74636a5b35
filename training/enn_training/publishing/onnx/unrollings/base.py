"""What every unrolling is: an affine map to arguments, elementwise operators to features, a linear read-out.

    sigma(W s + b) = readout(features(arguments(s)))

A read-out is folded into the affine map that follows it, so a layer is one Gemm and the operators of `features`.
"""

from typing import Protocol

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value


class Unrolling(Protocol):
    """One way to write an activation in ONNX operators."""

    @property
    def name(self) -> str:
        """The name in the card and on the command line."""
        ...

    @property
    def columns(self) -> bool:
        """Whether arguments and features lie [neurons, batch], where a constant per neuron broadcasts fastest."""
        ...

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return the map from a layer's inputs to the arguments of `features`.

        Args:
            affine: The map to the layer's pre-activations.
            coefficients: DCT coefficients F, float64 [neurons, Q].
        """
        ...

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append the operators and return the features.

        Args:
            graph: The graph to append to.
            arguments: Name of the arguments, lying as `columns` says.
            coefficients: DCT coefficients F, float64 [neurons, Q].
            scope: Prefix of the new names.
        """
        ...

    def readout(self, coefficients: Floats) -> Affine | None:
        """Return the map from features to activations; None where the features are the activations."""
        ...
