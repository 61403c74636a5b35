"""Interface of an unrolling: an affine map to arguments, elementwise operators to features, a linear read-out.

    sigma(W s + b) = readout(features(arguments(s)))

The read-out is folded into the affine map of the next layer, so that a layer is one Gemm and the operators of
`features`.
"""

from typing import Protocol

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value


class Unrolling(Protocol):
    """One way to write an activation in ONNX operators."""

    @property
    def name(self) -> str:
        """Name in the card and on the command line."""
        ...

    @property
    def neurons_first(self) -> bool:
        """Layout [neurons, batch] of arguments and features, in which a constant per neuron broadcasts fastest."""
        ...

    def arguments(self, affine: Affine, coefficients: Floats) -> Affine:
        """Return the map from the inputs of a layer to the arguments of `features`.

        Args:
            affine: Map to the pre-activations of the layer.
            coefficients: DCT coefficients F, float64 [neurons, Q].
        """
        ...

    def features(self, graph: Graph, arguments: str, coefficients: Floats, scope: str) -> Value:
        """Append the operators and return the features.

        Args:
            graph: Graph to append to.
            arguments: Name of the arguments, in the layout given by `neurons_first`.
            coefficients: DCT coefficients F, float64 [neurons, Q].
            scope: Prefix of the new names.
        """
        ...

    def readout(self, coefficients: Floats) -> Affine | None:
        """Return the map from features to activations; None if the features are the activations."""
        ...
